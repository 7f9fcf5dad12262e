/** A program to compare with: all of them answer the same queries over the same events. */
import type { Digest } from "../../lib/index.js";

export type QueryName = "q0" | "q2" | "q17" | "q5";

/** One run of a query. */
export interface Request {
  readonly events: number;
  /** Answer the rows' digest; otherwise rows are thrown away. */
  readonly isChecked: boolean;
}

export interface Peer {
  readonly name: string;
  run(request: Request): Promise<Digest | undefined>;
  close(): Promise<void>;
}

/** Events per second of event time. */
export const RATE = 10_000;
/** Records per message or chunk, where records go in batches. */
export const BATCH_RECORDS = 256;
/** As the engine's slots have them, for every thread of a peer. */
export const RESOURCES = { maxOldGenerationSizeMb: 2048, maxYoungGenerationSizeMb: 192 };
