/**
 * Blob stores: where checkpoints lie. A *blob* is bytes under a path ("a/b/c", forward slashes, relative to
 * the store's root), written whole and never changed.
 *
 * Invariants
 * - `put` is atomic and durable: after it resolves the blob survives a crash of process and machine, before
 *   it resolves nobody sees it. `exclusive` refuses a path that exists, so that one of two writers wins.
 * - A store is opened again in another thread or process from its `location`, which is JSON.
 * - A missing blob is a coded error (BLOB_MISSING), a store that cannot be written another (STORAGE_FAILED).
 * - Paths stay below the root (path.ts): no "..", none absolute. Names beginning with "." are the store's own.
 *
 * Called by: checkpoint, runtime (snapshots), coordinator. May import: base.
 */

/** Where a store is; JSON. `memory` lives in the main thread and is reached by no other. */
export type StoreLocation =
  | { readonly kind: "memory" }
  | { readonly kind: "filesystem"; readonly directory: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Before the paths of all blobs, without a "/" at its ends; may be "". */
      readonly prefix: string;
      readonly server: S3Server;
    };

/** How a server is reached that speaks S3. Credentials are not part of it: each thread finds them by itself. */
export interface S3Server {
  /** Its URL; absent: that of AWS in the region. */
  readonly endpoint?: string;
  /** Absent: what the configuration of the user says. */
  readonly region?: string;
  /** The bucket stands in the path, not in the name of the host. */
  readonly pathStyle: boolean;
}

/** How a blob is put. */
export interface PutOptions {
  /** Refuse a path that exists (BLOB_EXISTS). Default: it is replaced. */
  readonly exclusive?: boolean;
}

/** Where blobs lie. */
export interface BlobStore {
  readonly location: StoreLocation;
  put(path: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void>;
  get(path: string): Promise<Uint8Array>;
  /** A part of a blob; BLOB_MISSING too when the blob is shorter. */
  getRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Paths of all blobs below a folder, sorted; empty when there is none. */
  list(folder: string): Promise<readonly string[]>;
  /** Removing what is not there is no error. A folder is gone with the last blob in it. */
  remove(path: string): Promise<void>;
  /** Removes everything below a folder, temporary leftovers included. */
  removeFolder(folder: string): Promise<void>;
  /**
   * Removes what writers that died left below a folder and `list` does not show: temporary files, unfinished
   * uploads, empty folders. A `put` that runs there at the same time may fail, never half succeed.
   */
  sweep(folder: string): Promise<void>;
}
