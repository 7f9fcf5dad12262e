import { CHUNK_ELEMENTS, LIVE_LISTS_MAX } from "../../base/limits.js";
import type { ListState } from "../contract.js";
import { type Chunk, latest, type PlacedEntry, unexpired } from "../entry.js";
import type { CanonicalKey } from "../key.js";
import { Generations } from "./generations.js";
import { chunkBytes, keyText } from "./key-bytes.js";
import { LmdbPart } from "./lmdb-part.js";
import type { StoredUnit, Unit } from "./unit.js";

/** Numbers of a list's first and last chunk; there may be none between. */
interface Ends {
  first: number;
  last: number;
}

/** List state: one unit per chunk. */
export class LmdbList<T> extends LmdbPart<string> implements ListState<T> {
  private readonly ends = new Generations<CanonicalKey, Ends>(LIVE_LISTS_MAX, () => undefined);

  get(): readonly T[] {
    const chunks = this.units().map(({ value }) => value as Chunk);
    if (this.expiry.on) {
      const values = unexpired(chunks, this.expiry).values as T[];
      if (this.expiry.onRead) this.update(values);
      return values;
    }
    return (chunks.length === 1 ? chunks[0]!.values : chunks.flatMap(({ values }) => values)) as T[];
  }

  add(value: T): void {
    const ends = this.current();
    const stamp = this.expiry.stamp();
    if (ends.last >= ends.first) {
      const tail = this.chunk(ends.last);
      const chunk = tail.value as Chunk;
      if (this.lives(tail) && chunk.values.length < CHUNK_ELEMENTS) {
        chunk.values.push(value);
        chunk.stamps?.push(stamp);
        this.write(tail, chunk, Math.max(stamp, tail.stamp));
        return;
      }
    }
    this.place(ends, ends.last + 1, [value], this.expiry.on ? [stamp] : undefined);
  }

  addAll(values: readonly T[]): void {
    for (const each of values) this.add(each);
  }

  update(values: readonly T[]): void {
    const stamps = this.expiry.on ? new Array<number>(values.length).fill(this.expiry.stamp()) : undefined;
    const ends = this.current();
    const { first, last } = ends;
    let next = first;
    for (let from = 0; from < values.length; from += CHUNK_ELEMENTS) {
      const to = from + CHUNK_ELEMENTS;
      this.place(ends, next++, values.slice(from, to), stamps?.slice(from, to));
    }
    for (let i = next; i <= last; i++) this.remove(this.chunk(i));
    ends.last = next - 1;
    this.begin(ends);
  }

  clear(): void {
    this.update([]);
  }

  override load(entry: any, stamp: number, keyGroup: number): void {
    this.ends.clear();
    super.load(entry, stamp, keyGroup);
  }

  protected below(at: unknown): Buffer {
    return chunkBytes(at as number);
  }

  protected idOf(key: CanonicalKey, at: unknown): string {
    return `${at} ${keyText(key)}`;
  }

  protected contentOf({ value, stamps }: PlacedEntry): Chunk {
    const values = value as unknown[];
    return {
      values,
      stamps: this.expiry.on ? [...(stamps ?? values.map(() => this.expiry.stamp()))] : undefined,
    };
  }

  protected entryOf({ key, at, value }: StoredUnit): unknown {
    const { values, stamps } = value as Chunk;
    return stamps === undefined ? { key, at, value: values } : { key, at, value: values, stamps };
  }

  protected goneOf(key: unknown, at: unknown): unknown {
    return { gone: key, at };
  }

  /** The chunks that have content, in order. */
  private units(): Unit[] {
    const ends = this.current();
    const units: Unit[] = [];
    for (let i = ends.first; i <= ends.last; i++) {
      const unit = this.chunk(i);
      if (this.lives(unit)) units.push(unit);
      else if (units.length === 0) ends.first = i + 1;
    }
    this.begin(ends);
    return units;
  }

  /** An empty list begins anew. */
  private begin(ends: Ends): void {
    if (ends.first <= ends.last) return;
    ends.first = 0;
    ends.last = -1;
  }

  private chunk(number: number): Unit {
    return this.unit(this.idOf(this.key.canonical, number), number);
  }

  private place(ends: Ends, number: number, values: unknown[], stamps: number[] | undefined): void {
    const chunk: Chunk = { values, stamps };
    this.write(this.chunk(number), chunk, latest(stamps));
    if (number > ends.last) ends.last = number;
  }

  private current(): Ends {
    const { canonical } = this.key;
    let ends = this.ends.get(canonical);
    if (ends === undefined) {
      ends = this.findEnds();
      this.ends.set(canonical, ends);
    }
    return ends;
  }

  private findEnds(): Ends {
    this.flush();
    const prefix = this.prefix();
    const [first] = this.environment.page(prefix, prefix, 1);
    const last = this.environment.last(prefix);
    if (first === undefined || last === undefined) return { first: 0, last: -1 };
    return { first: first.key.readUInt32BE(prefix.length), last: last.key.readUInt32BE(prefix.length) };
  }
}
