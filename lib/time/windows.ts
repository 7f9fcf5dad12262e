/** Window assigners and Flink's window arithmetic (ms in a double, negative timestamps included). */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";

/** A window [start, end) in ms since the epoch. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** What `tumbling` and `sliding` make; plain data. */
export interface WindowAssigner {
  readonly kind: "tumbling" | "sliding";
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
}

/**
 * Windows of `size` that do not overlap, aligned to the epoch plus `offset`.
 * @example tumbling("1h")
 */
export function tumbling(size: Duration, options: { offset?: Duration } = {}): WindowAssigner {
  return assigner("tumbling", size, size, options.offset ?? 0);
}

/**
 * Windows of `size` that begin every `slide`; a record belongs to size/slide of them.
 * @example sliding({ size: "10s", slide: "2s" })
 */
export function sliding(options: { size: Duration; slide: Duration; offset?: Duration }): WindowAssigner {
  return assigner("sliding", options.size, options.slide, options.offset ?? 0);
}

function assigner(
  kind: WindowAssigner["kind"],
  size: Duration,
  slide: Duration,
  offset: Duration,
): WindowAssigner {
  const made = {
    kind,
    size: durationMs(size, "window size"),
    slide: durationMs(slide, "window slide"),
    offset: durationMs(offset, "window offset"),
  };
  if (!(made.size > 0) || !(made.slide > 0) || Math.abs(made.offset) >= made.slide) {
    throw new MillraceError(
      "OPTION_INVALID",
      `${kind} window with size ${size}, slide ${slide}, offset ${offset}`,
      {
        hint: "Size and slide are above zero, the offset is shorter than the slide.",
      },
    );
  }
  return made;
}

/** Start of the last window (of the given slide) that begins at or before `timestamp`. */
export function windowStart(timestamp: number, slide: number, offset: number): number {
  const rest = (timestamp - offset) % slide;
  return rest < 0 ? timestamp - (rest + slide) : timestamp - rest;
}

/**
 * Length of a pane: the longest stretch of time that every window holds whole or not at all, so that
 * windows share the work done on a pane.
 */
export function paneSize(assigner: WindowAssigner): number {
  let [a, b] = [assigner.size, assigner.slide];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
