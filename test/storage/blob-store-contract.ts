import { blobStoreContract, type StoreUnderTest } from "../../lib/testing/index.js";

export function describeBlobStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of blob stores`, () => {
    for (const { name: title, run } of blobStoreContract(create)) it(title, run);
  });
}
