// @hot one text per record and window
/**
 * The key under which a window of a key has its state: texts and numbers as a text `<start> <end> <s|n><key>`, which
 * is compared and hashed as it is, others as `[key, start, end]`. Part of checkpoints: it never changes.
 */
import type { Window } from "../time/windows.js";

export type WindowKey = string | readonly [key: unknown, start: number, end: number];

/** Makes window keys; the text of the last window is used again. */
export class WindowKeys {
  private start = Number.NaN;
  private end = Number.NaN;
  private range = "";

  of(key: unknown, { start, end }: Window): WindowKey {
    if (typeof key !== "string" && typeof key !== "number") return [key, start, end];
    if (start !== this.start || end !== this.end) {
      this.start = start;
      this.end = end;
      this.range = `${start} ${end} `;
    }
    return typeof key === "string" ? `${this.range}s${key}` : `${this.range}n${key}`;
  }
}

/** What a window key was made of. */
export function partsOf(windowKey: WindowKey): { key: unknown; window: Window } {
  if (typeof windowKey !== "string") {
    const [key, start, end] = windowKey;
    return { key, window: { start, end } };
  }
  const first = windowKey.indexOf(" ");
  const second = windowKey.indexOf(" ", first + 1);
  const window = {
    start: Number(windowKey.slice(0, first)),
    end: Number(windowKey.slice(first + 1, second)),
  };
  const text = windowKey.slice(second + 2);
  return { key: windowKey[second + 1] === "s" ? text : Number(text), window };
}
