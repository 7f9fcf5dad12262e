// @hot one lookup per record; guarded by benchmarks/nexmark
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import { NumberIndex } from "../state/number-index.js";
import { CellTable } from "./cell-table.js";

/** Groups by key, their accumulators in typed cells. */
export class GroupTable extends CellTable {
  private readonly byNumber = new NumberIndex();
  private readonly byKey = new Map<CanonicalKey, number>();

  /** The slot of a key, or -1. */
  find(key: unknown): number {
    if (typeof key === "number") return this.byNumber.get(key);
    const canonical = typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
    return this.byKey.get(canonical) ?? -1;
  }

  /** A new slot for a key that is not in the table yet; its cells are not reset. */
  insert(key: unknown): number {
    const canonical = typeof key === "number" ? key : canonicalKey(key);
    const slot = this.append(key);
    if (typeof key === "number") this.byNumber.set(key, slot);
    else this.byKey.set(canonical, slot);
    return slot;
  }

  override clear(): void {
    super.clear();
    this.byNumber.clear();
    this.byKey.clear();
  }
}
