/**
 * Runs slots in worker threads. A host is leased from a Piscina pool: the lease is one `pool.run()` in a
 * fresh thread, whose promise rejects when the thread crashes, runs out of memory or is aborted. Control
 * calls go over Comlink on a transferred MessagePort, whose other end is slot-server.ts. Slots with a profile may share
 * a host: what ends it ends all.
 *
 * The only file that knows Piscina, and with its other end the only one that knows Comlink.
 */
import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import * as Comlink from "comlink";
import { Piscina } from "piscina";
import { fromData, MillraceError, messageOf } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import type { SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { HostMemory, HostPlan, LaunchHost, SlotHost } from "../protocol/slot-host.js";
import { memoryOf } from "./host-memory.js";
import { type Answer, endpointOf, type Lease, type RemoteControl, type SlotMessage } from "./slot-server.js";

/** The id of a thread that has ended. */
const GONE = -1;

/** How long after the last start of a slot spare threads are started. */
const SPARE_DELAY_MS = 500;

export interface WorkerHostsOptions {
  /** A session keeps hosts whose slots ended well for its next job. */
  readonly keepsHosts?: boolean;
  /** Threads that wait, started and with the library imported, to take the place of those that a failure ends. */
  readonly spares?: number;
}

/** Hosts of any memory: a pool for each. */
export class WorkerHosts {
  private readonly slots: number;
  private readonly memory: HostMemory;
  private readonly options: WorkerHostsOptions;
  private readonly pools = new Map<string, HostPool>();
  /** What runs slots of a plan now. */
  private readonly running = new WeakMap<HostPlan, WorkerHost>();

  /** `slots`: at most so many threads of one memory at once; `memory`: of a host for a default slot. */
  constructor(slots: number, memory: HostMemory, options: WorkerHostsOptions = {}) {
    this.slots = slots;
    this.memory = memory;
    this.options = options;
  }

  readonly launch: LaunchHost = async (slot, events, plan) => {
    const pool = this.poolOf(memoryOf(plan, this.memory));
    let host = this.running.get(plan);
    if (host === undefined || host.ended) {
      host = pool.take();
      this.running.set(plan, host);
    }
    const given = host;
    return given.attach(slot, events, async () => {
      if (this.running.get(plan) === given) this.running.delete(plan);
      await pool.giveBack(given);
    });
  };

  /** Starts hosts that wait for these; resolves when they have started. Without it they start when they are taken. */
  async prepare(hosts: readonly HostPlan[]): Promise<void> {
    const counts = new Map<HostPool, number>();
    for (const plan of hosts) {
      const pool = this.poolOf(memoryOf(plan, this.memory));
      counts.set(pool, (counts.get(pool) ?? 0) + 1);
    }
    await Promise.all([...counts].map(([pool, count]) => pool.prepare(count)));
  }

  /** Hosts that wait for a slot. */
  get waiting(): number {
    return [...this.pools.values()].reduce((sum, pool) => sum + pool.waiting, 0);
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private poolOf(memory: HostMemory): HostPool {
    const key = JSON.stringify(memory);
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new HostPool(this.slots, memory, this.options);
      this.pools.set(key, pool);
    }
    return pool;
  }
}

/** A pool of hosts, all with the same memory. */
class HostPool {
  private readonly pool: Piscina;
  private readonly memory: HostMemory;
  /** Hosts without a slot. */
  private readonly idle: WorkerHost[] = [];
  private readonly keepsHosts: boolean;
  private readonly spares: number;
  /** Hosts given out. */
  private readonly used = new Set<WorkerHost>();
  private mostUsed = 0;
  private cancelRefill: (() => void) | undefined;

  constructor(slots: number, memory: HostMemory, { keepsHosts = false, spares = 0 }: WorkerHostsOptions) {
    this.memory = memory;
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
        maxOldGenerationSizeMb: memory.heapMb,
        maxYoungGenerationSizeMb: memory.youngMb,
      },
    });
    // A thread that was told to end may run out of heap before it does: its lease has been answered then.
    this.pool.on("error", () => undefined);
  }

  take(): WorkerHost {
    const host = this.takeIdle() ?? new WorkerHost(this.pool, this.memory);
    for (const each of this.used) if (each.ended) this.used.delete(each);
    this.used.add(host);
    this.mostUsed = Math.max(this.mostUsed, this.used.size);
    this.refillLater();
    return host;
  }

  async prepare(count: number): Promise<void> {
    while (this.waiting < count) this.idle.push(new WorkerHost(this.pool, this.memory));
    await Promise.all(this.idle.map(({ started }) => started));
  }

  async giveBack(host: WorkerHost): Promise<void> {
    this.used.delete(host);
    if (this.keepsHosts && !host.ended) this.idle.push(host);
    else await host.end();
  }

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
      const spares = Math.min(this.spares, this.mostUsed);
      while (this.waiting < spares) this.idle.push(new WorkerHost(this.pool, this.memory));
    });
  }
}

/** One slot in a host, seen from the main thread. */
interface Attached {
  readonly events: SlotEvents;
  readonly fail: (error: MillraceError) => void;
}

/** One leased thread, seen from the main thread. */
class WorkerHost {
  /** Asked to end, or ended by itself. */
  ended = false;
  private readonly attached = new Map<number, Attached>();
  private readonly remote: RemoteControl;
  private readonly pool: Piscina;
  private readonly abort = new AbortController();
  private readonly gone: Promise<unknown>;
  /** The thread has imported the library: Node aborts the process when a thread is ended while it does. */
  readonly started: Promise<void>;

  constructor(pool: Piscina, memory: HostMemory) {
    this.pool = pool;
    const { port1, port2 } = new MessageChannel();
    const lease: Lease = { port: port2, memory };
    this.gone = pool.run(lease, { transferList: [port2], signal: this.abort.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    void this.gone.then((error) => {
      port1.close();
      // Comlink holds the port for as long as its proxy lives, which is as long as a listener of the port knows this.
      port1.removeAllListeners();
      if (this.ended) return;
      this.ended = true;
      for (const [slot, { fail }] of this.attached) fail(endOfThread(error, slot));
    });
    this.started = new Promise((resolve) => {
      port1.once("message", () => resolve());
      void this.gone.then(() => resolve());
    });
    port1.on("message", (message: SlotMessage) => {
      if (message?.event === undefined) return;
      const events = this.attached.get(message.slot)?.events;
      if (events !== undefined) dispatch(events, message);
    });
    this.remote = Comlink.wrap<RemoteControl>(endpointOf(port1)) as unknown as RemoteControl;
  }

  /** Gives the host a slot. `whenLeft`: all of its slots have been released. */
  attach(slot: number, events: SlotEvents, whenLeft: () => Promise<void>): SlotHost {
    let fail!: (error: MillraceError) => void;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);
    const own = { events, fail };
    this.attached.set(slot, own);
    const leave = () => {
      if (this.attached.get(slot) === own) this.attached.delete(slot);
    };
    return {
      control: this.controlOf(slot, failed),
      failed,
      kill: async () => {
        leave();
        for (const [other, { fail: failOther }] of this.attached) failOther(endedWith(other, slot));
        await this.end();
      },
      release: async () => {
        leave();
        if (this.attached.size === 0) await whenLeft();
      },
    };
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

  private controlOf(slot: number, failed: Promise<never>): SlotControl {
    const { remote } = this;
    const ask = async (answer: Promise<Answer>) => {
      const got = await Promise.race([answer, failed]);
      if (!got.ok) throw fromData(got.error);
    };
    return {
      deploy: (deployment) => ask(remote.deploy(slot, deployment)),
      start: () => ask(remote.start(slot)),
      addSplits: (vertex, subtask, splits) => void remote.addSplits(slot, vertex, subtask, splits),
      alignSource: (vertex, limit) => void remote.alignSource(slot, vertex, limit),
      trigger: (barrier, tasks) => void remote.trigger(slot, barrier, tasks),
      checkpointCompleted: (checkpoint) => void remote.checkpointCompleted(slot, checkpoint),
      checkpointAborted: (checkpoint) => void remote.checkpointAborted(slot, checkpoint),
      stop: () => ask(remote.stop(slot)),
      close: () => ask(remote.close(slot)),
    };
  }
}

function dispatch(events: SlotEvents, message: SlotMessage): void {
  (events[message.event!] as (...given: any[]) => void)(...message.given);
}

function endedWith(slot: number, other: number): MillraceError {
  return new MillraceError("SLOT_CRASHED", `slot ${slot}: its thread was ended with slot ${other}`);
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
