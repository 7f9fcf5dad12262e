import { type Digest, RowDigest } from "../../lib/index.js";
import type { Request } from "./contract.js";

/** Where a query's rows go: nowhere, or into a digest. */
export class Rows {
  /** Kept, so that making the row cannot be optimised away. */
  last: unknown;
  private readonly sum: RowDigest | undefined;

  constructor({ isChecked }: Pick<Request, "isChecked">) {
    this.sum = isChecked ? new RowDigest() : undefined;
  }

  readonly emit = (row: unknown): void => {
    this.last = row;
    this.sum?.add(row);
  };

  get digest(): Digest | undefined {
    return this.sum?.digest;
  }
}
