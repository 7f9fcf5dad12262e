import type { FileContent } from "../../formats/contract.js";

/** A file that is there to be read. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  /** When it was last written to, ms. */
  readonly modified: number;
  /** Of an object in a bucket: changes with its content. */
  readonly etag?: string;
  /** How an object is read. */
  readonly content?: FileContent;
}
