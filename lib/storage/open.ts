import type { BlobStore, StoreLocation } from "./contract.js";
import { FilesystemBlobStore } from "./filesystem.js";
import { MemoryBlobStore } from "./memory.js";
import { S3BlobStore } from "./s3/store.js";

/** The store at a location. For `memory` it is a new, empty one: nobody else reaches it. */
export function openBlobStore(location: StoreLocation): BlobStore {
  switch (location.kind) {
    case "memory":
      return new MemoryBlobStore();
    case "filesystem":
      return new FilesystemBlobStore(location.directory);
    case "s3":
      return new S3BlobStore(location);
  }
}
