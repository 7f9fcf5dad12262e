import type { EnumeratorContext } from "../../source/contract.js";
import { StaticEnumerator } from "../../source/static-enumerator.js";
import type { IterableReport, IterableSplit } from "./item-reader.js";

/** Gives out the one split of an iterable source, and learns where it ends. */
export class IterableEnumerator extends StaticEnumerator<IterableSplit> {
  private end: unknown;

  constructor(split: IterableSplit, context: EnumeratorContext) {
    super([split], context, undefined);
    this.end = (context.restored as IterableReport | undefined)?.ended;
  }

  override request(subtask: number, report?: unknown): readonly IterableSplit[] | undefined {
    const { ended } = (report ?? {}) as IterableReport;
    if (ended !== undefined) this.end = ended;
    return super.request(subtask);
  }

  override snapshot() {
    return { ...super.snapshot(), ...(this.end === undefined ? {} : { ended: this.end }) };
  }

  /** The position behind the last record. */
  endPosition(): unknown {
    return this.end;
  }
}
