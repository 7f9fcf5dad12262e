/**
 * Who refers to which blob. Checkpoints share blobs through the chains of their segments, so a blob goes only
 * when its last holder does. Pure counting; the holders are manifests that are kept, checkpoints that are being
 * taken (their deltas build on kept ones) and savepoints that are being copied.
 */
import { assert } from "../base/assert.js";

export class References {
  readonly #holders = new Map<string, ReadonlySet<string>>();
  readonly #counts = new Map<string, number>();

  hold(holder: string, blobs: Iterable<string>): void {
    assert(!this.#holders.has(holder), `${holder} holds already`);
    const held = new Set(blobs);
    this.#holders.set(holder, held);
    for (const blob of held) this.#counts.set(blob, (this.#counts.get(blob) ?? 0) + 1);
  }

  /** Holds everything that is held now. */
  holdAll(holder: string): void {
    this.hold(holder, [...this.#counts.keys()]);
  }

  /** Answers what nobody holds any more. Releasing twice is no error: failures are cleaned up on many ways. */
  release(holder: string): string[] {
    const held = this.#holders.get(holder) ?? [];
    this.#holders.delete(holder);
    const free: string[] = [];
    for (const blob of held) {
      const count = this.#counts.get(blob)! - 1;
      if (count > 0) this.#counts.set(blob, count);
      else {
        this.#counts.delete(blob);
        free.push(blob);
      }
    }
    return free;
  }

  has(blob: string): boolean {
    return this.#counts.has(blob);
  }

  hasBelow(folder: string): boolean {
    const prefix = `${folder}/`;
    for (const blob of this.#counts.keys()) if (blob.startsWith(prefix)) return true;
    return false;
  }
}
