// @hot some calls a record; guarded by benchmarks/nexmark (q9, q19, q20)
/**
 * The text of a batch for whoever keeps records: read a piece at a time, so that a text cut out of it keeps no more
 * than its piece alive, while one call reads the texts of a record or two.
 */
import type { NativeText } from "./own-string.js";

/** Characters of a piece, unless a single text has more: about those of a record. */
const PIECE_CHARS = 128;

export class TextPieces {
  private source: NativeText | undefined;
  /** Where the text begins in the source, bytes. */
  private at = 0;
  /** Characters there are. */
  private length = 0;
  private isWide = false;
  private piece = "";
  private begin = 0;
  private end = 0;

  open(source: NativeText, at: number, bytes: number, isWide: boolean): void {
    this.source = source;
    this.at = at;
    this.isWide = isWide;
    this.length = isWide ? bytes >> 1 : bytes;
    this.begin = 0;
    this.end = 0;
  }

  /** The text between two characters of the batch; callers go from its front to its back. */
  cut(begin: number, end: number): string {
    if (begin < this.begin || end > this.end) this.read(begin, end);
    return this.piece.substring(begin - this.begin, end - this.begin);
  }

  private read(begin: number, end: number): void {
    const { at, source } = this;
    const until = Math.max(end, Math.min(begin + PIECE_CHARS, this.length));
    this.piece = this.isWide
      ? source!.ucs2Slice(at + begin * 2, at + until * 2)
      : source!.latin1Slice(at + begin, at + until);
    this.begin = begin;
    this.end = until;
  }
}
