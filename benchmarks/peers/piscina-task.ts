import type { Digest, NexmarkEvent } from "../../lib/index.js";
import type { QueryName } from "./contract.js";
import { BatchLoop, isBid, queries } from "./queries.js";
import { Rows } from "./rows.js";

export interface Task {
  readonly query: QueryName;
  readonly isChecked: boolean;
  readonly events: readonly NexmarkEvent[];
}

export interface Part {
  readonly state?: unknown;
  readonly digest?: Digest | undefined;
}

/** A task's share of a query: rows that need nothing else are finished here. */
export default function task({ query: name, isChecked, events }: Task): Part {
  const query = queries[name];
  if ("keeper" in query) return { state: query.keeper().part(events.filter(isBid)) };
  const rows = new Rows({ isChecked });
  new BatchLoop(query, rows.emit).batch(events);
  return { digest: rows.digest };
}
