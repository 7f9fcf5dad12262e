// @hot
import { type CanonicalKey, canonicalKey } from "./key.js";

/** The key all handles of an operator speak of. */
export class KeyScope {
  key: unknown = undefined;
  canonical: CanonicalKey = undefined;
  group = -1;
  /** Changes whenever what was looked up for the key may no longer hold. */
  serial = 0;

  use(key: unknown, group: number): void {
    const canonical = canonicalKey(key);
    if (canonical === this.canonical && group === this.group) return;
    this.key = key;
    this.canonical = canonical;
    this.group = group;
    this.serial++;
  }

  /** What was looked up before is no longer to be relied on. */
  forget(): void {
    this.serial++;
  }
}
