/** The file a peer's threads start with: each serves one query of one peer, with compiled code of its own. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Digest } from "../../lib/index.js";
import { consumer, generate } from "./clone-peer.js";
import type { QueryName, Request } from "./contract.js";
import { type Query, queries } from "./queries.js";
import { runRxjs } from "./rxjs-peer.js";
import { runStream, runStreamBatches } from "./stream-peer.js";

export interface ThreadStart {
  readonly role: keyof typeof roles;
  readonly query: QueryName;
  /** To the other thread, where a peer has two. */
  readonly port?: MessagePort;
}

type Serve = (request: Request) => Promise<Digest | undefined>;

const roles = {
  rxjs:
    (query: Query): Serve =>
    (request) =>
      runRxjs(query, request),
  stream:
    (query: Query): Serve =>
    (request) =>
      runStream(query, request),
  streamBatches:
    (query: Query): Serve =>
    (request) =>
      runStreamBatches(query, request),
  generator:
    (_query: Query, port?: MessagePort): Serve =>
    (request) =>
      generate(port!, request),
  consumer: (query: Query, port?: MessagePort): Serve => consumer(query, port!),
};

const { role, query, port } = workerData as ThreadStart;
const serve = roles[role](queries[query], port);
parentPort!.on("message", async (request: Request) => {
  parentPort!.postMessage(await serve(request));
});
