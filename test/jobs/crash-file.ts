/** A function that fails when a test wants it to: when there is a file. */
import { existsSync, renameSync } from "node:fs";

export type Crash = "throw" | "exit" | "hang" | "heap";

/** Asked for every record: if the file is there, takes it away and fails. */
export function crashIf(file: string | undefined, how: Crash = "throw"): void {
  if (file === undefined || !existsSync(file)) return;
  try {
    renameSync(file, `${file}-done`);
  } catch {
    return; // Another thread was faster.
  }
  if (how === "exit") process.exit(7);
  if (how === "hang") for (;;);
  const kept: number[][] = [];
  if (how === "heap") for (;;) kept.push(new Array(100_000).fill(kept.length));
  throw new Error("a failure that was asked for");
}
