/** Peers that run in threads started for them, seen from the main thread. */
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import type { Digest } from "../../lib/index.js";
import { type Peer, type QueryName, RESOURCES, type Request } from "./contract.js";
import type { ThreadStart } from "./thread.js";

export function threadPeers(query: QueryName): Peer[] {
  const { port1, port2 } = new MessageChannel();
  return [
    new ThreadPeer("rxjs", [{ role: "rxjs", query }]),
    new ThreadPeer("node:stream objects", [{ role: "stream", query }]),
    new ThreadPeer("node:stream batches", [{ role: "streamBatches", query }]),
    new ThreadPeer("structured-clone workers", [
      { role: "generator", query, port: port1 },
      { role: "consumer", query, port: port2 },
    ]),
  ];
}

class ThreadPeer implements Peer {
  readonly name: string;
  private readonly threads: readonly Worker[];

  constructor(name: string, starts: readonly ThreadStart[]) {
    this.name = name;
    this.threads = starts.map((workerData) => {
      const transferList = workerData.port === undefined ? [] : [workerData.port];
      const options = { workerData, transferList, resourceLimits: RESOURCES };
      return new Worker(new URL("./thread.js", import.meta.url), options);
    });
  }

  async run(request: Request): Promise<Digest | undefined> {
    const answers = await Promise.all(
      this.threads.map(async (thread) => {
        const answer = once(thread, "message");
        thread.postMessage(request);
        return (await answer)[0] as Digest | undefined;
      }),
    );
    return answers.at(-1);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }
}
