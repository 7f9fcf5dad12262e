import { Piscina } from "piscina";
import { type Digest, RowDigest } from "../../lib/index.js";
import { type Peer, type QueryName, RESOURCES, type Request } from "./contract.js";
import { Events } from "./events.js";
import type { Part, Task } from "./piscina-task.js";
import { queries } from "./queries.js";
import { Rows } from "./rows.js";

const TASK_EVENTS = 1000;
const THREADS = 2;
/** Tasks that run or wait at the same time. */
const OPEN_TASKS = 8;

/** Events are made in the main thread and go out as tasks; what needs all of them is merged there. */
export class PiscinaPeer implements Peer {
  readonly name = "piscina tasks";
  private readonly query: QueryName;
  private readonly pool = new Piscina({
    filename: new URL("./piscina-task.js", import.meta.url).href,
    minThreads: THREADS,
    maxThreads: THREADS,
    resourceLimits: RESOURCES,
  });

  constructor(query: QueryName) {
    this.query = query;
  }

  async run({ events, isChecked }: Request): Promise<Digest | undefined> {
    const query = queries[this.query];
    const keeper = "keeper" in query ? query.keeper() : undefined;
    const rows = new Rows({ isChecked });
    const digests: Digest[] = [];
    const taken = ({ state, digest }: Part) => {
      if (keeper !== undefined) keeper.merge(state, rows.emit);
      else if (digest !== undefined) digests.push(digest);
    };
    const source = new Events(events);
    const open: Promise<Part>[] = [];
    for (let batch = source.batch(TASK_EVENTS); batch !== undefined; batch = source.batch(TASK_EVENTS)) {
      open.push(this.pool.run({ query: this.query, isChecked, events: batch } satisfies Task));
      if (open.length >= OPEN_TASKS) taken(await open.shift()!);
    }
    for (const each of open) taken(await each);
    keeper?.end(rows.emit);
    return keeper !== undefined || !isChecked ? rows.digest : RowDigest.merge(digests);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}
