/**
 * The sessions of a key. Sessions that overlap or touch become one; its contents stay under the window of the first
 * of them, so that a session that grows moves nothing.
 *
 * Invariant: no two sessions of a key touch.
 */
import { touches, type Window } from "../time/windows.js";

/** A session and the window under which its contents are kept. Plain data: it is kept in state. */
export interface Session extends Window {
  readonly home: Window;
}

export interface MergedSession {
  readonly session: Session;
  /** The sessions that became part of it; empty where it is new or was there already. */
  readonly merged: readonly Session[];
  /** All sessions of the key now. */
  readonly sessions: readonly Session[];
}

/** Adds a window to the sessions of a key. */
export function mergeSession(sessions: readonly Session[], { start, end }: Window): MergedSession {
  const given = { start, end };
  const merged = sessions.filter((each) => touches(each, given));
  const first = merged[0];
  if (first === undefined) {
    const session = { ...given, home: given };
    return { session, merged, sessions: [...sessions, session] };
  }
  if (merged.length === 1 && first.start <= start && first.end >= end) {
    return { session: first, merged: [], sessions };
  }
  const session = {
    start: merged.reduce((least, each) => Math.min(least, each.start), start),
    end: merged.reduce((most, each) => Math.max(most, each.end), end),
    home: first.home,
  };
  return { session, merged, sessions: [...sessions.filter((each) => !merged.includes(each)), session] };
}

export function sessionOf(sessions: readonly Session[], { start, end }: Window): Session | undefined {
  return sessions.find((each) => each.start === start && each.end === end);
}

export function withoutSession(sessions: readonly Session[], gone: Session): readonly Session[] {
  return sessions.filter((each) => each !== gone);
}
