/**
 * A digest of a set of rows that does not depend on their order: how many, and the sum of their 64-bit
 * hashes. Digests of parts add up to the digest of the whole.
 */
import { fmix32 } from "../../base/hash.js";

/** A set of rows, whatever their order: how many, and the sum of their hashes. */
export interface Digest {
  readonly rows: number;
  /** Sum of the rows' hashes modulo 2^64, as 16 hexadecimal digits. */
  readonly sum: string;
}

/** Builds a Digest row by row; digests of parts are merged. */
export class RowDigest {
  rows = 0;
  private low = 0;
  private high = 0;

  add(row: unknown): void {
    const text = canonicalText(row);
    let [a, b] = [0x811c9dc5, 0x9747b28c];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15);
    }
    this.plus(fmix32(a) >>> 0, fmix32(b) >>> 0);
    this.rows++;
  }

  get digest(): Digest {
    const hex = (lane: number) => lane.toString(16).padStart(8, "0");
    return { rows: this.rows, sum: hex(this.high) + hex(this.low) };
  }

  private plus(low: number, high: number): void {
    const sum = this.low + low;
    this.low = sum >>> 0;
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
  }

  /** The digest of all rows of several parts. */
  static merge(parts: Iterable<Digest>): Digest {
    const whole = new RowDigest();
    for (const { rows, sum } of parts) {
      whole.rows += rows;
      whole.plus(Number.parseInt(sum.slice(8), 16), Number.parseInt(sum.slice(0, 8), 16));
    }
    return whole.digest;
  }
}

/** JSON with sorted keys; dates and bigints by their digits, undefined as null. */
function canonicalText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return String(value.getTime());
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") {
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalText(field)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
