/** The Nexmark queries as DataStream programs. */
import { joins } from "./programs/joins.js";
import { ranks } from "./programs/ranks.js";
import { selections } from "./programs/selections.js";
import { statistics } from "./programs/statistics.js";
import type { QueryProgram } from "./programs/streams.js";
import { windows } from "./programs/windows.js";
import { winningBids } from "./programs/winning-bids.js";

/** All but q10, which writes files. */
export const programs: Readonly<Record<string, QueryProgram>> = {
  ...selections,
  ...windows,
  ...joins,
  ...winningBids,
  ...statistics,
  ...ranks,
};

/** In the order of their numbers. */
export const queryNames: readonly string[] = Object.keys(programs).sort(
  (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
);
