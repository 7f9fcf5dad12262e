import { openBlobStore } from "../../lib/storage/open.js";
import { describeBlobStore } from "./blob-store-contract.js";

describeBlobStore("memory", async () => ({
  store: openBlobStore({ kind: "memory" }),
  dispose: async () => undefined,
}));
