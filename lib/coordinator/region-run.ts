/**
 * One start of a region: launches its slots, deploys and starts their tasks, and ends them. A region that has
 * failed is started again as another run, with threads and memory of its own; what the slots of an ended run still
 * say is nobody's concern.
 */
import { fromData } from "../base/error.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { CommittableReport, Deployment, SlotEvents, TaskId } from "../protocol/deployment.js";
import type { SlotHost } from "../protocol/slot-host.js";
import type { AttemptOptions, RunOrigin } from "./attempt-options.js";
import type { Placement } from "./placement.js";
import type { Region } from "./regions.js";

/** How long slots may take to stop before their threads are killed, ms. */
const STOP_PATIENCE_MS = 300;

/** What a run tells its attempt. */
export interface RegionRunEvents {
  finished(committables: readonly CommittableReport[]): void;
  failed(error: unknown): void;
  /** An enumerator has failed: it serves other regions, too. */
  sourceFailed(error: unknown): void;
}

export class RegionRun {
  readonly region: Region;
  /** As it is in the names of what its slots write. */
  readonly number: number;
  /** Its slots are being ended, or gone. */
  ended = false;
  private readonly given: AttemptOptions;
  private readonly origin: RunOrigin;
  private readonly events: RegionRunEvents;
  private readonly hosts = new Map<number, SlotHost>();
  /** Slots whose thread went when nothing was left to do. */
  private readonly lost = new Set<number>();
  private unfinished: number;
  private readonly committables: CommittableReport[] = [];
  private gone: Promise<void> | undefined;

  constructor(
    region: Region,
    number: number,
    given: AttemptOptions,
    origin: RunOrigin,
    events: RegionRunEvents,
  ) {
    this.region = region;
    this.number = number;
    this.given = given;
    this.origin = origin;
    this.events = events;
    this.unfinished = region.tasks.length;
  }

  /** All tasks have finished. */
  get isFinished(): boolean {
    return this.unfinished === 0;
  }

  /** Resolves when every task can start. */
  async deploy(placement: Placement): Promise<void> {
    await Promise.all(
      this.region.slots.map(async (slot) => {
        const host = await this.given.launch(
          slot,
          this.eventsOf(slot),
          placement.hosts[placement.hostOf[slot]!]!,
        );
        this.hosts.set(slot, host);
        host.failed.catch((error: unknown) => this.fail(slot, error));
        if (this.ended) await host.kill();
        else await host.control.deploy(this.deploymentOf(slot, placement));
      }),
    );
  }

  async start(): Promise<void> {
    await Promise.all([...this.hosts.values()].map(({ control }) => control.start()));
  }

  trigger(barrier: Barrier, tasks: readonly TaskId[], { slotOf }: Placement): void {
    if (this.ended) return;
    for (const [slot, { control }] of this.hosts) {
      const here = tasks.filter(({ vertex, subtask }) => slotOf[vertex]![subtask] === slot);
      if (here.length > 0) control.trigger(barrier, here);
    }
  }

  alignSource(vertex: number, limit: number, { slotOf }: Placement): void {
    if (this.ended) return;
    for (const [slot, { control }] of this.hosts) {
      if (slotOf[vertex]!.includes(slot)) control.alignSource(vertex, limit);
    }
  }

  checkpointCompleted(checkpoint: number): void {
    if (this.ended) return;
    for (const { control } of this.hosts.values()) control.checkpointCompleted(checkpoint);
  }

  checkpointAborted(checkpoint: number): void {
    if (this.ended) return;
    for (const { control } of this.hosts.values()) control.checkpointAborted(checkpoint);
  }

  /** A slot has failed. */
  fail(slot: number, error: unknown): void {
    if (this.ended) return;
    // With checkpoints all that it was for is done: nothing has to be done again.
    if (this.isFinished && this.given.checkpoints !== undefined) this.lost.add(slot);
    else this.events.failed(error);
  }

  /** All tasks have finished: lets their threads go. */
  async close(): Promise<void> {
    this.ended = true;
    const left = [...this.hosts].filter(([slot]) => !this.lost.has(slot));
    await Promise.all(left.map(([, { control }]) => control.close()));
    await Promise.allSettled([...this.hosts.values()].map((host) => host.release()));
  }

  /** Ends every slot, whatever it is doing. One that does not answer is killed. */
  end(): Promise<void> {
    this.ended = true;
    this.gone ??= this.endSlots();
    return this.gone;
  }

  private async endSlots(): Promise<void> {
    const hosts = [...this.hosts.values()];
    const patience = new Promise<void>((resolve) => this.given.scheduler.after(STOP_PATIENCE_MS, resolve));
    const stopped = Promise.allSettled(hosts.map(({ control }) => control.stop()));
    await Promise.race([stopped, patience]);
    await Promise.allSettled(hosts.map((host) => host.kill()));
    await Promise.allSettled(hosts.map((host) => host.release()));
  }

  private deploymentOf(slot: number, placement: Placement): Deployment {
    const { slotOf, tasks, rings, doorbells, progress, metrics, latencies, roundTimes } = placement;
    const { moduleUrl, params, options, fingerprint, runId, plan, checkpoints } = this.given;
    const { restores, restoreFrom } = this.origin;
    const { edges } = plan.jobGraph;
    const isHere = (task: TaskId) => slotOf[task.vertex]![task.subtask] === slot;
    return {
      moduleUrl,
      params,
      options,
      fingerprint,
      runId,
      attempt: this.number,
      ...(checkpoints === undefined ? {} : { checkpoints }),
      restores: restores.filter(isHere),
      ...(restoreFrom === undefined ? {} : { restoreFrom }),
      slot,
      share: placement.shares[slot]!,
      managedMb: placement.managedMb[slot]!,
      slotOf,
      doorbells,
      progress,
      metrics,
      ...(latencies === undefined ? {} : { latencies }),
      roundTimes,
      tasks: tasks.filter(isHere),
      rings: rings.filter(({ edge, from, to }) => {
        const { from: upstream, to: downstream } = edges[edge]!;
        return slotOf[upstream]![from] === slot || slotOf[downstream]![to] === slot;
      }),
    };
  }

  private eventsOf(slot: number): SlotEvents {
    const { events, sources } = this.given;
    const alive =
      <A extends unknown[]>(event: (...given: A) => void) =>
      (...given: A) => {
        if (!this.ended) event(...given);
      };
    return {
      requestSplits: alive((vertex, subtask, report) => {
        void sources.request({
          vertex,
          subtask,
          report,
          give: (splits) => {
            if (this.ended) return false;
            this.hosts.get(slot)!.control.addSplits(vertex, subtask, splits);
            return true;
          },
          failed: (error) => this.events.sourceFailed(error),
        });
      }),
      // What a restored task gives before its first barrier belongs behind the checkpoint it was restored from.
      rows: alive((uid, rows, checkpoint) =>
        events.rows(uid, rows, Math.max(checkpoint, this.origin.checkpoint), slot),
      ),
      acknowledged: alive((checkpoint, snapshot) => events.acknowledged(checkpoint, snapshot)),
      declined: alive((checkpoint, task, error) => events.declined(checkpoint, task, fromData(error))),
      dataEnded: alive((vertex, subtask) => events.dataEnded({ vertex, subtask })),
      functionsReported: alive((vertex, subtask, report) => {
        events.functionsReported({ vertex, subtask }, report);
      }),
      taskFinished: alive((vertex, subtask, committables) => {
        this.committables.push(...committables);
        events.taskFinished({ vertex, subtask });
        if (--this.unfinished === 0) this.events.finished(this.committables);
      }),
      failed: alive((error) => this.fail(slot, fromData(error))),
    };
  }
}
