/** Cases of a contract suite: named and asynchronous, for whatever test runner there is. */
import { isDeepStrictEqual } from "node:util";
import { MillraceError, messageOf } from "../../base/error.js";
import { systemScheduler } from "../../base/scheduler.js";
import { diff, printRow } from "../rows.js";

/**
 * One case of a suite.
 * @example
 * for (const { name, run } of blobStoreContract(openStore)) it(name, run);
 */
export interface ContractCase {
  readonly name: string;
  /**
   * Rejects with TEST_CONTRACT_BROKEN where the contract is not kept, with TEST_ENDLESS where the case never ends.
   */
  run(): Promise<void>;
}

/** How long a case may take unless its suite is told otherwise, real ms. */
export const CASE_MS = 60_000;

/** A case that ends, and whose errors say what it is of. */
export function contractCase(name: string, work: () => Promise<void>, limitMs = CASE_MS): ContractCase {
  return {
    name,
    async run() {
      let cancel = () => {};
      const late = new Promise<never>((_, reject) => {
        const release = systemScheduler.keepAlive();
        const stop = systemScheduler.after(limitMs, () => {
          reject(new MillraceError("TEST_ENDLESS", `the case "${name}" has not ended after ${limitMs} ms`));
        });
        cancel = () => {
          release();
          stop();
        };
      });
      try {
        await Promise.race([work(), late]);
      } catch (error) {
        if (MillraceError.is(error) && error.code === "TEST_ENDLESS") throw error;
        throw new MillraceError("TEST_CONTRACT_BROKEN", `"${name}": ${messageOf(error)}`, { cause: error });
      } finally {
        cancel();
      }
    },
  };
}

/** Throws TEST_CONTRACT_BROKEN. */
export function broken(what: string): never {
  throw new MillraceError("TEST_CONTRACT_BROKEN", what);
}

/** Throws TEST_CONTRACT_BROKEN unless the condition holds. */
export function holds(condition: boolean, what: string): void {
  if (!condition) broken(what);
}

/** Throws TEST_CONTRACT_BROKEN, with the difference, unless both are equal in depth. */
export function same(got: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(got, expected)) return;
  const lines = (value: unknown) =>
    Array.isArray(value) ? value.map((each) => ({ text: printRow(each) })) : [{ text: printRow(value) }];
  const difference = diff(lines(expected), lines(got)) ?? "  they print alike, but are of other types";
  broken(`${what} is not as it has to be (- what it has to be, + what it is)\n${difference}`);
}

/** As `same`, of lists in any order. */
export function sameMembers(got: Iterable<unknown>, expected: Iterable<unknown>, what: string): void {
  const sorted = (values: Iterable<unknown>) => [...values].map(printRow).sort();
  same(sorted(got), sorted(expected), what);
}

/** The code of the MillraceError that the call ends with; "nothing" where it ends with none. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
  return "nothing";
}
