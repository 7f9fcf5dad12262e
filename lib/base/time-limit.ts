import type { Scheduler } from "./scheduler.js";

/** Waits for a promise, but not longer than `ms`: true when it has resolved by then. Rejects when it does. */
export async function within(ms: number, what: Promise<unknown>, scheduler: Scheduler): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const late = new Promise<boolean>((resolve) => {
    cancel = scheduler.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([what.then(() => true), late]);
  } finally {
    cancel();
  }
}
