/**
 * Runs slots in worker threads. A host is leased from a Piscina pool: the lease is one `pool.run()` in a
 * fresh thread, whose promise rejects when the thread crashes, runs out of memory or is aborted. Control
 * calls go over Comlink on a transferred MessagePort.
 *
 * The only file, with workers/, that knows Piscina and Comlink.
 */
import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/umd/node-adapter.js";
import { Piscina } from "piscina";
import { type ErrorData, fromData, MillraceError, messageOf, toData } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import type { Deployment, SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { LaunchHost, SlotResources } from "../protocol/slot-host.js";
import { MemoryWatch } from "./memory-watch.js";
import { slotControl } from "./slot-control.js";

type Endpoint = NonNullable<Parameters<typeof Comlink.expose>[1]>;
const endpointOf = nodeEndpoint as unknown as (port: MessagePort) => Endpoint;

/** The id of a thread that has ended. */
const GONE = -1;

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
  trigger(barrier: unknown, tasks: unknown): void;
  checkpointCompleted(checkpoint: number): void;
  checkpointAborted(checkpoint: number): void;
  stop(): Promise<Answer>;
  close(): Promise<Answer>;
}

/** How long after the last start of a slot spare threads are started. */
const SPARE_DELAY_MS = 500;
/** The slot of a host that has none yet. */
const SPARE_SLOT = -1;

export interface WorkerHostsOptions {
  /** A session keeps hosts whose slot ended well for its next job. */
  readonly keepsHosts?: boolean;
  /** Threads that wait, started and with the library imported, to take the place of those that a failure ends. */
  readonly spares?: number;
}

/** A pool of hosts, all with the same resources. */
export class WorkerHosts {
  private readonly pool: Piscina;
  private readonly resources: SlotResources;
  /** Hosts without a slot. */
  private readonly idle: WorkerHost[] = [];
  private readonly keepsHosts: boolean;
  private readonly spares: number;
  private cancelRefill: (() => void) | undefined;

  constructor(
    slots: number,
    resources: SlotResources,
    { keepsHosts = false, spares = 0 }: WorkerHostsOptions = {},
  ) {
    this.resources = resources;
    this.keepsHosts = keepsHosts;
    this.spares = spares;
    this.pool = new Piscina({
      filename: new URL("../../workers/slot.js", import.meta.url).href,
      minThreads: 0,
      maxThreads: Math.max(1, slots) + spares,
      idleTimeout: 0,
      atomics: "disabled",
      concurrentTasksPerWorker: 1,
      resourceLimits: {
        maxOldGenerationSizeMb: resources.heapMb,
        maxYoungGenerationSizeMb: resources.youngMb,
      },
    });
    // A thread that was told to end may run out of heap before it does: its lease has been answered then.
    this.pool.on("error", () => undefined);
  }

  readonly launch: LaunchHost = async (slot, events) => {
    const host = this.takeIdle() ?? new WorkerHost(this.pool, slot, this.resources);
    this.refillLater();
    host.slot = slot;
    host.events = events;
    return {
      control: host.control,
      failed: host.failed,
      kill: () => host.end(),
      release: async () => {
        if (this.keepsHosts && !host.ended) this.idle.push(host);
        else await host.end();
      },
    };
  };

  /** Hosts that wait for a slot. */
  get waiting(): number {
    return this.idle.filter(({ ended }) => !ended).length;
  }

  async destroy(): Promise<void> {
    this.cancelRefill?.();
    await Promise.all(this.idle.map((host) => host.end()));
    await this.pool.destroy();
  }

  private takeIdle(): WorkerHost | undefined {
    for (;;) {
      const host = this.idle.pop();
      if (host === undefined || !host.ended) return host;
    }
  }

  /** Not at once: the slots themselves are just starting. */
  private refillLater(): void {
    if (this.spares === 0) return;
    this.cancelRefill?.();
    this.cancelRefill = systemScheduler.after(SPARE_DELAY_MS, () => {
      while (this.waiting < this.spares) {
        this.idle.push(new WorkerHost(this.pool, SPARE_SLOT, this.resources));
      }
    });
  }
}

/** One leased thread, seen from the main thread. */
class WorkerHost {
  slot: number;
  events: SlotEvents | undefined;
  /** Asked to end, or ended by itself. */
  ended = false;
  readonly control: SlotControl;
  /** Rejects when the thread ends without being asked to. */
  readonly failed: Promise<never>;
  private readonly pool: Piscina;
  private readonly abort = new AbortController();
  private readonly gone: Promise<unknown>;
  /** The thread has imported the library: Node aborts the process when a thread is ended while it does. */
  private readonly started: Promise<void>;

  constructor(pool: Piscina, slot: number, resources: SlotResources) {
    this.pool = pool;
    this.slot = slot;
    const { port1, port2 } = new MessageChannel();
    const lease: Lease = { port: port2, slot, resources };
    this.gone = pool.run(lease, { transferList: [port2], signal: this.abort.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.failed = this.gone.then((error) => {
      port1.close();
      // Comlink holds the port for as long as its proxy lives, which is as long as a listener of the port knows this.
      port1.removeAllListeners();
      if (this.ended) return new Promise<never>(() => undefined);
      this.ended = true;
      throw endOfThread(error, this.slot);
    });
    this.failed.catch(() => undefined);
    this.started = new Promise((resolve) => {
      port1.once("message", () => resolve());
      void this.gone.then(() => resolve());
    });
    port1.on("message", (message: SlotMessage) => {
      if (message?.event !== undefined && this.events !== undefined) dispatch(this.events, message);
    });
    this.control = this.controlOver(port1);
  }

  /** Resolves when the thread is gone: it may write files to its last moment. */
  async end(): Promise<void> {
    this.ended = true;
    await this.started;
    const before = this.pool.threads;
    this.abort.abort();
    const left = new Set(this.pool.threads);
    const ending = before.filter((thread) => !left.has(thread) && thread.threadId !== GONE);
    await Promise.allSettled([this.gone, ...ending.map((thread) => once(thread, "exit"))]);
  }

  private controlOver(port: MessagePort): SlotControl {
    const remote = Comlink.wrap<RemoteControl>(endpointOf(port)) as unknown as RemoteControl;
    const ask = async (answer: Promise<Answer>) => {
      const got = await Promise.race([answer, this.failed]);
      if (!got.ok) throw fromData(got.error);
    };
    return {
      deploy: (deployment) => ask(remote.deploy(deployment)),
      start: () => ask(remote.start()),
      addSplits: (vertex, subtask, splits) => void remote.addSplits(vertex, subtask, splits),
      trigger: (barrier, tasks) => void remote.trigger(barrier, tasks),
      checkpointCompleted: (checkpoint) => void remote.checkpointCompleted(checkpoint),
      checkpointAborted: (checkpoint) => void remote.checkpointAborted(checkpoint),
      stop: () => ask(remote.stop()),
      close: () => ask(remote.close()),
    };
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
    rows: (uid, rows, checkpoint) => {
      try {
        tell("rows")(uid, rows, checkpoint);
      } catch (cause) {
        throw new MillraceError("RECORD_NOT_CARRIABLE", messageOf(cause), { operator: uid, cause });
      }
    },
    taskFinished: tell("taskFinished"),
    acknowledged: tell("acknowledged"),
    declined: tell("declined"),
    dataEnded: tell("dataEnded"),
    failed: tell("failed"),
  };
  const control = slotControl(events);
  // A host that is kept, or spare, is given its slot when one is deployed.
  const place = { slot: lease.slot };
  const watch = new MemoryWatch(place, lease.resources, (error) => events.failed(toData(error)));
  const answer = async (work: Promise<void>): Promise<Answer> =>
    work.then(
      () => ({ ok: true }) as const,
      (error: unknown) => ({ ok: false, error: toData(error) }) as const,
    );
  const ended = new Promise<void>((resolve) => port.on("close", () => resolve()));
  const remote: RemoteControl = {
    deploy: (deployment) => {
      place.slot = (deployment as Deployment).slot;
      return answer(control.deploy(deployment as Deployment));
    },
    start: () => answer(control.start()),
    addSplits: (vertex, subtask, splits) => control.addSplits(vertex, subtask, splits as never),
    trigger: (barrier, tasks) => control.trigger(barrier as never, tasks as never),
    checkpointCompleted: (checkpoint) => control.checkpointCompleted(checkpoint),
    checkpointAborted: (checkpoint) => control.checkpointAborted(checkpoint),
    stop: () => answer(control.stop()),
    close: () => answer(control.close()),
  };
  Comlink.expose(remote, endpointOf(port));
  port.postMessage({ started: true });
  await ended;
  watch.stop();
}
