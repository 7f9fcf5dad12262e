import type { EntrySink, FrozenPart, StateOptions, StatePart, StateSchema } from "../contract.js";
import { Expiry } from "../expiry.js";
import type { KeyScope } from "../key-scope.js";
import { schemaOf } from "../schema.js";
import type { Cell } from "./cell.js";
import { type CellTable, Ledger } from "./ledger.js";

/** Cells looked at per turn for expiry. */
const EXPIRY_STRIDE = 64;

/** One state as a part: its cells, its ledger and its time to live. */
export abstract class HeapPart implements StatePart, CellTable {
  readonly name: string;
  readonly scope = "keyed";
  readonly schema: StateSchema;
  protected readonly key: KeyScope;
  protected readonly expiry: Expiry;
  protected readonly ledger: Ledger;
  private sweep: Iterator<Cell> | undefined;

  constructor(name: string, kind: string, options: StateOptions, key: KeyScope, now: () => number) {
    this.name = name;
    this.schema = schemaOf(kind, options);
    this.key = key;
    this.expiry = new Expiry(options, now);
    this.ledger = new Ledger(this, this.expiry);
  }

  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    return this.ledger.freeze(wanted, sink);
  }

  /** Looks at some more cells for expiry. */
  rest(): void {
    if (!this.expiry.on) return;
    this.sweep ??= this.cells();
    for (let i = 0; i < EXPIRY_STRIDE; i++) {
      const step = this.sweep.next();
      if (step.done === true) {
        this.sweep = undefined;
        return;
      }
      if (this.expiry.expired(step.value.stamp)) this.expire(step.value);
    }
  }

  abstract load(value: any, stamp: number, keyGroup: number): void;
  abstract cells(): Iterator<Cell>;
  abstract remove(cell: Cell): void;
  abstract entryOf(cell: Cell): unknown;
  abstract goneOf(cell: Cell): unknown;
  /** Takes out a cell that has expired. */
  protected abstract expire(cell: Cell): void;
}
