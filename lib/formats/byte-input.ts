/** Bytes that come in chunks, taken one after the other. */
export class ByteInput {
  private readonly chunks: AsyncIterator<Buffer>;
  private buffer: Buffer = Buffer.alloc(0);
  /** Within `buffer`. */
  private next = 0;
  /** Where `buffer` begins. */
  private begin: number;

  /** `begin` is the position of the first byte. */
  constructor(chunks: AsyncIterable<Buffer>, begin = 0) {
    this.chunks = chunks[Symbol.asyncIterator]();
    this.begin = begin;
  }

  /** Position of the next byte. */
  get at(): number {
    return this.begin + this.next;
  }

  /** Behind what has come. */
  get end(): number {
    return this.begin + this.buffer.length;
  }

  /** Whether so many bytes follow; they are fetched. */
  async has(count: number): Promise<boolean> {
    let left = this.buffer.length - this.next;
    if (left >= count) return true;
    const pieces = [this.buffer.subarray(this.next)];
    this.begin = this.at;
    this.next = 0;
    for (let chunk = await this.chunks.next(); !chunk.done; chunk = await this.chunks.next()) {
      pieces.push(chunk.value);
      left += chunk.value.length;
      if (left >= count) break;
    }
    this.buffer = Buffer.concat(pieces);
    return left >= count;
  }

  /** As many of the next bytes as there are. */
  async peek(count: number): Promise<Buffer> {
    await this.has(count);
    return this.buffer.subarray(this.next, this.next + count);
  }

  /** The bytes, which `has` said are there. */
  taken(count: number): Buffer {
    this.next += count;
    return this.buffer.subarray(this.next - count, this.next);
  }

  /** Goes to where these bytes begin next. */
  async seek(bytes: Buffer): Promise<boolean> {
    for (;;) {
      const found = this.buffer.indexOf(bytes, this.next);
      if (found >= 0) {
        this.next = found;
        return true;
      }
      this.next = Math.max(this.next, this.buffer.length - bytes.length + 1);
      if (!(await this.has(bytes.length))) return false;
    }
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
