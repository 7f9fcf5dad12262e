/** XXH32, the checksum of LZ4 frames, over bytes that come in pieces. */
const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
const STRIPE = 16;

export class Xxh32 {
  private readonly lanes = Int32Array.of(P1 + P2, P2, 0, -P1);
  private readonly rest = Buffer.alloc(STRIPE);
  private restBytes = 0;
  private total = 0;

  update(bytes: Buffer): this {
    this.total += bytes.length;
    let at = 0;
    if (this.restBytes > 0) {
      at = bytes.copy(this.rest, this.restBytes);
      this.restBytes += at;
      if (this.restBytes < STRIPE) return this;
      this.stripes(this.rest, 0, STRIPE);
      this.restBytes = 0;
    }
    const end = bytes.length - ((bytes.length - at) % STRIPE);
    this.stripes(bytes, at, end);
    this.restBytes = bytes.copy(this.rest, 0, end);
    return this;
  }

  /** Unsigned. */
  digest(): number {
    const [a, b, c, d] = this.lanes as unknown as [number, number, number, number];
    const { rest, restBytes, total } = this;
    let hash = total >= STRIPE ? rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18) : P5;
    hash = (hash + total) | 0;
    let at = 0;
    for (; at + 4 <= restBytes; at += 4)
      hash = Math.imul(rotated((hash + Math.imul(rest.readInt32LE(at), P3)) | 0, 17), P4);
    for (; at < restBytes; at++) hash = Math.imul(rotated((hash + Math.imul(rest[at]!, P5)) | 0, 11), P1);
    hash = Math.imul(hash ^ (hash >>> 15), P2);
    hash = Math.imul(hash ^ (hash >>> 13), P3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  private stripes(bytes: Buffer, begin: number, end: number): void {
    let [a, b, c, d] = this.lanes as unknown as [number, number, number, number];
    for (let at = begin; at < end; at += STRIPE) {
      a = round(a, bytes, at);
      b = round(b, bytes, at + 4);
      c = round(c, bytes, at + 8);
      d = round(d, bytes, at + 12);
    }
    this.lanes.set([a, b, c, d]);
  }
}

function round(lane: number, bytes: Buffer, at: number): number {
  const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return Math.imul(rotated((lane + Math.imul(word, P2)) | 0, 13), P1);
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
