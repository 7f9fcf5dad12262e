/**
 * Runs slots in worker threads. A host is leased from a Piscina pool: the lease is one `pool.run()` in a
 * fresh thread, whose promise rejects when the thread crashes, runs out of memory or is aborted. Control
 * calls go over Comlink on a transferred MessagePort.
 *
 * The only file, with workers/, that knows Piscina and Comlink.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/umd/node-adapter.js";
import { Piscina } from "piscina";
import { type ErrorData, fromData, MillraceError, messageOf, toData } from "../base/error.js";
import type { SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { LaunchHost, SlotHost, SlotResources } from "../protocol/slot-host.js";
import { MemoryWatch } from "./memory-watch.js";
import { slotControl } from "./slot-control.js";

type Endpoint = NonNullable<Parameters<typeof Comlink.expose>[1]>;
const endpointOf = nodeEndpoint as unknown as (port: MessagePort) => Endpoint;

/** What a lease is given. */
export interface Lease {
  readonly port: MessagePort;
  readonly slot: number;
  readonly resources: SlotResources;
}

/** An error crosses Comlink as an answer: it would lose its code as an exception. */
type Answer = { ok: true } | { ok: false; error: ErrorData };

interface RemoteControl {
  deploy(deployment: unknown): Promise<Answer>;
  start(): Promise<Answer>;
  addSplits(vertex: number, subtask: number, splits: unknown): void;
  stop(): Promise<Answer>;
  close(): Promise<Answer>;
}

/** The pool of hosts of one job, all with the same resources. */
export class WorkerHosts {
  private readonly pool: Piscina;
  private readonly resources: SlotResources;

  constructor(slots: number, resources: SlotResources) {
    this.resources = resources;
    this.pool = new Piscina({
      filename: new URL("../../workers/slot.js", import.meta.url).href,
      minThreads: 0,
      maxThreads: Math.max(1, slots),
      idleTimeout: 0,
      atomics: "disabled",
      concurrentTasksPerWorker: 1,
      resourceLimits: {
        maxOldGenerationSizeMb: resources.heapMb,
        maxYoungGenerationSizeMb: resources.youngMb,
      },
    });
  }

  readonly launch: LaunchHost = async (slot, events) => {
    const { port1, port2 } = new MessageChannel();
    const abort = new AbortController();
    let released = false;
    const lease: Lease = { port: port2, slot, resources: this.resources };
    const ended = this.pool.run(lease, { transferList: [port2], signal: abort.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const failed = ended.then((error) => {
      port1.close();
      if (released) return new Promise<never>(() => undefined);
      throw endOfThread(error, slot);
    });
    failed.catch(() => undefined);
    port1.on("message", (message: SlotMessage) => {
      if (message?.event !== undefined) dispatch(events, message);
    });
    const remote = Comlink.wrap<RemoteControl>(endpointOf(port1)) as unknown as RemoteControl;
    const ask = async (answer: Promise<Answer>) => {
      const got = await Promise.race([answer, failed]);
      if (!got.ok) throw fromData(got.error);
    };
    const control: SlotControl = {
      deploy: (deployment) => ask(remote.deploy(deployment)),
      start: () => ask(remote.start()),
      addSplits: (vertex, subtask, splits) => void remote.addSplits(vertex, subtask, splits),
      stop: () => ask(remote.stop()),
      close: () => ask(remote.close()),
    };
    const end = async () => {
      released = true;
      abort.abort();
      await ended;
    };
    const host: SlotHost = { control, failed, kill: end, release: end };
    return host;
  };

  async destroy(): Promise<void> {
    await this.pool.destroy();
  }
}

type SlotMessage = { event?: keyof SlotEvents; given: any[] };

function dispatch(events: SlotEvents, message: SlotMessage): void {
  (events[message.event!] as (...given: any[]) => void)(...message.given);
}

function endOfThread(error: unknown, slot: number): MillraceError {
  const code = (error as { code?: string } | undefined)?.code;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new MillraceError("SLOT_HEAP_EXHAUSTED", `slot ${slot} ran out of heap`, { cause: error });
  }
  if (MillraceError.is(error)) return error;
  if (error === undefined || /exit/i.test(messageOf(error))) {
    return new MillraceError("SLOT_EXITED", `the thread of slot ${slot} ended by itself`, { cause: error });
  }
  return new MillraceError("SLOT_CRASHED", `slot ${slot}: ${messageOf(error)}`, { cause: error });
}

/** Runs in the worker: serves control calls until the port closes. */
export async function serveSlot(lease: Lease): Promise<void> {
  const { port } = lease;
  process.setSourceMapsEnabled(true);
  const tell =
    <K extends keyof SlotEvents>(event: K) =>
    (...given: any[]) =>
      port.postMessage({ event, given });
  const events: SlotEvents = {
    requestSplits: tell("requestSplits"),
    rows: tell("rows"),
    taskFinished: tell("taskFinished"),
    failed: tell("failed"),
  };
  const control = slotControl(events);
  const watch = new MemoryWatch(lease.slot, lease.resources, (error) => events.failed(toData(error)));
  const answer = async (work: Promise<void>): Promise<Answer> =>
    work.then(
      () => ({ ok: true }) as const,
      (error: unknown) => ({ ok: false, error: toData(error) }) as const,
    );
  const ended = new Promise<void>((resolve) => port.on("close", () => resolve()));
  const remote: RemoteControl = {
    deploy: (deployment) => answer(control.deploy(deployment as never)),
    start: () => answer(control.start()),
    addSplits: (vertex, subtask, splits) => control.addSplits(vertex, subtask, splits as never),
    stop: () => answer(control.stop()),
    close: () => answer(control.close()),
  };
  Comlink.expose(remote, endpointOf(port));
  await ended;
  watch.stop();
}
