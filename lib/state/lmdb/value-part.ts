import { DIRTY_VALUES_MAX } from "../../base/limits.js";
import { GONE, type ValueEntry } from "../entry.js";
import type { CanonicalKey } from "../key.js";
import type { ValueStore } from "../value-states.js";
import { LmdbPart } from "./lmdb-part.js";
import type { StoredUnit, Unit } from "./unit.js";

const NOTHING = Buffer.alloc(0);

/** One unit per key: value, reducing and aggregating state. */
export class LmdbValue extends LmdbPart<CanonicalKey> implements ValueStore {
  protected override readonly window = DIRTY_VALUES_MAX;
  private serial = -1;
  private found: Unit | undefined;

  read(): unknown {
    const unit = this.current();
    if (!this.lives(unit)) return GONE;
    if (this.expiry.onRead) this.write(unit, unit.value);
    return unit.value;
  }

  put(value: unknown): void {
    this.write(this.current(), value);
  }

  clear(): void {
    this.remove(this.current());
  }

  protected below(): Buffer {
    return NOTHING;
  }

  protected idOf(key: CanonicalKey): CanonicalKey {
    return key;
  }

  protected contentOf({ value }: ValueEntry): unknown {
    return value;
  }

  protected entryOf({ key, value }: StoredUnit): unknown {
    return { key, value };
  }

  protected goneOf(key: unknown): unknown {
    return { gone: key };
  }

  private current(): Unit {
    const { serial, canonical } = this.key;
    if (this.serial === serial && this.found !== undefined) return this.found;
    this.serial = serial;
    this.found = this.unit(canonical, undefined);
    return this.found;
  }
}
