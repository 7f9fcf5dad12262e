/** What a worker thread serves: control calls of its slots, over Comlink on the port that its lease came with. */
import type { MessagePort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/umd/node-adapter.js";
import { type ErrorData, MillraceError, messageOf, toData } from "../base/error.js";
import type { Deployment, SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { HostMemory } from "../protocol/slot-host.js";
import { MemoryWatch } from "./memory-watch.js";
import { slotControl } from "./slot-control.js";

type Endpoint = NonNullable<Parameters<typeof Comlink.expose>[1]>;
export const endpointOf = nodeEndpoint as unknown as (port: MessagePort) => Endpoint;

/** What a lease is given. */
export interface Lease {
  readonly port: MessagePort;
  readonly memory: HostMemory;
}

/** An error crosses Comlink as an answer: it would lose its code as an exception. */
export type Answer = { ok: true } | { ok: false; error: ErrorData };

export interface RemoteControl {
  deploy(slot: number, deployment: unknown): Promise<Answer>;
  start(slot: number): Promise<Answer>;
  addSplits(slot: number, vertex: number, subtask: number, splits: unknown): void;
  alignSource(slot: number, vertex: number, limit: number): void;
  trigger(slot: number, barrier: unknown, tasks: unknown): void;
  checkpointCompleted(slot: number, checkpoint: number): void;
  checkpointAborted(slot: number, checkpoint: number): void;
  stop(slot: number): Promise<Answer>;
  close(slot: number): Promise<Answer>;
}

export type SlotMessage = { slot: number; event?: keyof SlotEvents; given: any[] };

/** The slots of this thread. */
class HostedSlots {
  private readonly port: MessagePort;
  private readonly controls = new Map<number, { control: SlotControl; events: SlotEvents }>();

  constructor(port: MessagePort) {
    this.port = port;
  }

  /** As errors call them. */
  get name(): string {
    const slots = [...this.controls.keys()];
    return slots.length === 1 ? `slot ${slots[0]}` : `the host of slots ${slots.join(", ")}`;
  }

  failAll(error: MillraceError): void {
    for (const { events } of this.controls.values()) events.failed(toData(error));
  }

  readonly remote: RemoteControl = {
    deploy: (slot, deployment) => {
      const events = eventsOf(this.port, slot);
      const control = slotControl(events);
      this.controls.set(slot, { control, events });
      return answer(control.deploy(deployment as Deployment));
    },
    start: (slot) => answer(this.of(slot)?.start()),
    addSplits: (slot, vertex, subtask, splits) => this.of(slot)?.addSplits(vertex, subtask, splits as never),
    alignSource: (slot, vertex, limit) => this.of(slot)?.alignSource(vertex, limit),
    trigger: (slot, barrier, tasks) => this.of(slot)?.trigger(barrier as never, tasks as never),
    checkpointCompleted: (slot, checkpoint) => this.of(slot)?.checkpointCompleted(checkpoint),
    checkpointAborted: (slot, checkpoint) => this.of(slot)?.checkpointAborted(checkpoint),
    stop: (slot) => answer(this.end(slot, (control) => control.stop())),
    close: (slot) => answer(this.end(slot, (control) => control.close())),
  };

  private of(slot: number): SlotControl | undefined {
    return this.controls.get(slot)?.control;
  }

  private async end(slot: number, how: (control: SlotControl) => Promise<void>): Promise<void> {
    const ending = this.controls.get(slot);
    if (ending === undefined) return;
    await how(ending.control);
    if (this.controls.get(slot) === ending) this.controls.delete(slot);
  }
}

function eventsOf(port: MessagePort, slot: number): SlotEvents {
  const tell =
    <K extends keyof SlotEvents>(event: K) =>
    (...given: any[]) =>
      port.postMessage({ slot, event, given } satisfies SlotMessage);
  return {
    requestSplits: tell("requestSplits"),
    rows: (uid, rows, checkpoint) => {
      try {
        tell("rows")(uid, rows, checkpoint);
      } catch (cause) {
        throw new MillraceError("RECORD_NOT_CARRIABLE", messageOf(cause), { operator: uid, cause });
      }
    },
    functionsReported: tell("functionsReported"),
    taskFinished: tell("taskFinished"),
    acknowledged: tell("acknowledged"),
    declined: tell("declined"),
    dataEnded: tell("dataEnded"),
    failed: tell("failed"),
  };
}

async function answer(work: Promise<void> | undefined): Promise<Answer> {
  try {
    await work;
    return { ok: true };
  } catch (error) {
    return { ok: false, error: toData(error) };
  }
}

/** Runs in the worker: serves control calls until the port closes. */
export async function serveSlots({ port, memory }: Lease): Promise<void> {
  process.setSourceMapsEnabled(true);
  const slots = new HostedSlots(port);
  const watch = new MemoryWatch(slots, memory, (error) => slots.failAll(error));
  const ended = new Promise<void>((resolve) => port.on("close", () => resolve()));
  Comlink.expose(slots.remote, endpointOf(port));
  port.postMessage({ started: true });
  await ended;
  watch.stop();
}
