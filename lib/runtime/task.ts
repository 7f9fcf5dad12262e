/**
 * A task: one attempt of a subtask. It takes elements from its inputs, runs them through its fused chain
 * and hands them to its outputs, a bounded turn at a time. Nothing in it blocks or awaits while it runs.
 *
 * Phases: running -> finishing (operators emit what they hold)
 *         -> awaiting (with checkpoints: the final one has to be complete before anything is given up)
 *         -> draining (outputs empty out) -> committing (sinks name what they wrote) -> finished.
 *
 * Called by: slot.ts. The gate closes while an output is out of credit. The task is *settled* when no element
 * is partly through its operators: only then a checkpoint may be taken.
 */
import type { Gate } from "../base/gate.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { DebloatSettings } from "../exchange/debloating.js";
import type { TaskMetrics } from "../metrics/task-metrics.js";
import type { OperatorCounters } from "../operators/contract.js";
import { WATERMARK_MAX, WatermarkValve } from "../time/watermark-valve.js";
import type { Chain, Entry, Failed } from "./chain-code.js";
import { committablesOf, type NamedCommittable } from "./committables.js";
import type { EdgeOutput } from "./edge-code.js";
import type { Receiver } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";
import type { LatencyMarkers } from "./latency-markers.js";
import type { LocalChannel } from "./local-channel.js";
import { nearestOperator } from "./nearest-operator.js";
import { closeOperators, openOperators } from "./opening.js";
import { OutputTimes } from "./output-times.js";
import type { Output, OutputOwner } from "./outputs.js";
import type { RingInput } from "./ring-input.js";
import type { CheckpointedTask, TaskCheckpoints } from "./task-checkpoints.js";
import { TaskInputs } from "./task-inputs.js";
import { reportTask } from "./task-report.js";
import { TaskTime } from "./task-time.js";
import { nextTurnLimit, TURN_LIMIT_FIRST } from "./turn-limit.js";
import type { UserFunctions } from "./user-functions.js";

export type Phase = "running" | "finishing" | "awaiting" | "draining" | "committing" | "finished";

export interface TaskWiring {
  readonly gate: Gate;
  readonly metrics: TaskMetrics;
  readonly counters: OperatorCounters;
  /** Absent: no latency is tracked. */
  readonly latency?: LatencyMarkers | undefined;
  readonly now: () => number;
  readonly wake: () => void;
  /** The turn ends: keyed state may tidy up. */
  readonly rest: (steady: number) => void;
  /** The task has processed all of its input and waits for its final checkpoint. */
  readonly dataEnded: () => void;
  /** Throws a user function's error with its place. */
  readonly failed: Failed;
  /** The user's functions that are opened and closed, and what they count. */
  readonly functions: UserFunctions;
}

export class Task implements Receiver, OutputOwner, CheckpointedTask {
  readonly gate: Gate;
  /** As `gate` for whoever gives records to the task: closed also while it is paused. */
  readonly readGate: Gate = { level: 0 };
  readonly name: string;
  phase: Phase = "running";
  entry!: Entry;
  committables: NamedCommittable[] = [];
  protected readonly wiring: TaskWiring;
  protected chain!: Chain;
  /** The operator that advances or goes on, for errors. */
  private working = 0;
  protected outputs: Output[] = [];
  protected limit = TURN_LIMIT_FIRST;
  private outputTimes = new OutputTimes([], []);
  private feeders: number[] = [];
  private inputs = new TaskInputs([], undefined);
  private valve = new WatermarkValve(0);
  /** Inputs that may still give records; inputs that may still give anything. */
  private openInputs = 0;
  private openChannels = 0;
  private dataEnded: boolean[] = [];
  /** With checkpoints; absent without. */
  protected checkpoints: TaskCheckpoints | undefined;
  /** An operator goes on with what it began when the gate opens. */
  private suspended = false;
  /** Operators that cannot take more. */
  private readonly pausing = new Set<string>();
  private readonly time: TaskTime;
  /** The watermark on its way through the operators, and what each of them let pass. */
  private advancing = false;
  private again = false;
  private advanceAt = 0;
  private passing = new Float64Array(0);
  private finishAt = 0;
  /** The final checkpoint is complete. */
  private ending = false;
  private readonly isBlocked = () => this.blocked;

  constructor(name: string, wiring: TaskWiring) {
    this.name = name;
    this.wiring = wiring;
    this.gate = wiring.gate;
    this.time = new TaskTime(wiring.metrics);
  }

  /** Completes the task: first its chain (whose outputs exist already), then its inputs. */
  wire(chain: Chain, edges: readonly EdgeOutput[]): void {
    this.chain = chain;
    this.entry = chain.entry;
    const nodeIndexes = chain.operators.map(({ node }) => node);
    const nearest = nearestOperator(this.vertexOperators, nodeIndexes);
    this.feeders = nodeIndexes.map((node) => nearest(node.feeder));
    const root = chain.operators.length;
    const places: number[] = [];
    for (const edge of edges) {
      const from = nearest(edge.edge.fromOperator);
      for (const channel of edge.channels) {
        this.outputs.push(channel);
        places.push(from < 0 ? root : from);
      }
    }
    this.outputTimes = new OutputTimes(this.outputs, places);
    this.wiring.latency?.wire(edges.map(({ channels }) => channels));
    this.passing = new Float64Array(root + 1).fill(Number.NEGATIVE_INFINITY);
  }

  /** The operators of the vertex, inline ones included; set by whoever builds the task. */
  vertexOperators: readonly { feeder: number; uid: string }[] = [];

  connect(inputs: readonly (RingInput | LocalChannel)[], debloat?: DebloatSettings): void {
    this.inputs = new TaskInputs(inputs, debloat);
    this.openInputs = inputs.length;
    this.openChannels = inputs.length;
    this.dataEnded = inputs.map(() => false);
    this.valve = new WatermarkValve(inputs.length);
  }

  async open(): Promise<void> {
    if (this.finishedData) {
      this.tellFinished();
      return;
    }
    await openOperators(this.chain, this.wiring.functions, this.wiring.failed);
  }

  /** From now on the task takes checkpoints. */
  takeCheckpoints(checkpoints: TaskCheckpoints): void {
    this.checkpoints = checkpoints;
  }

  /** Goes on where a finished task was: nothing is left to do but to say so, once it is opened. */
  restoreFinished(): void {
    this.phase = "awaiting";
  }

  /** Receivers in this slot are open by now: they may already emit what they hold. */
  private tellFinished(): void {
    this.wiring.dataEnded();
    for (const output of this.outputs) {
      output.watermark(WATERMARK_MAX);
      output.endOfData();
    }
  }

  /** The operators with state, feeders before fed. */
  get stateful(): Chain["operators"] {
    return this.chain.operators;
  }

  /** The newest checkpoint that this task has taken part in. */
  get latestCheckpoint(): number {
    return this.checkpoints?.latest ?? 0;
  }

  /** Nothing is taken from any input. What comes behind the end of data waits until the operators have finished. */
  get blocked(): boolean {
    const isFinishing = this.phase === "running" && this.openInputs === 0 && this.inputs.length > 0;
    return this.occupied || isFinishing;
  }

  /** Something has to be settled before anything else. */
  private get occupied(): boolean {
    return (
      this.gate.level !== 0 || this.advancing || this.pausing.size > 0 || (this.checkpoints?.pending ?? false)
    );
  }

  get settled(): boolean {
    // At level 2 an operator may have been suspended since the last look.
    return (
      this.gate.level < 2 &&
      !this.suspended &&
      !this.advancing &&
      (this.phase === "running" || this.phase === "awaiting")
    );
  }

  get finishedData(): boolean {
    return this.phase === "awaiting";
  }

  get bytesIn(): number {
    return this.inputs.bytesIn;
  }

  prepareSnapshot(_checkpoint: number): void {
    for (const { operator, node } of this.chain.operators) {
      try {
        operator.prepareSnapshot?.();
      } catch (error) {
        this.wiring.failed(error, node.name, undefined);
      }
    }
  }

  /** The coordinator triggers a checkpoint here rather than upstream: whatever is upstream has ended. */
  trigger(barrier: Barrier): void {
    this.checkpoints?.trigger(barrier);
    this.wiring.wake();
  }

  /** The coordinator says that a checkpoint is complete. */
  completed(checkpoint: number): void {
    for (const { operator } of this.chain.operators.toReversed()) operator.checkpointComplete?.(checkpoint);
    if (this.phase === "awaiting" && this.checkpoints?.isFinal(checkpoint) === true) this.ending = true;
    this.wiring.wake();
  }

  /** The coordinator gave a checkpoint up. */
  aborted(checkpoint: number): void {
    this.checkpoints?.abort(checkpoint);
    this.wiring.wake();
  }

  raise(level: 1 | 2): void {
    if (level > this.gate.level) this.setGate(level);
    this.inputs.closeLocals();
  }

  /** An operator cannot take more: nothing is read until it says that it can. */
  pause(operator: string): void {
    this.pausing.add(operator);
    this.setGate(this.gate.level);
    this.inputs.closeLocals();
  }

  resume(operator: string): void {
    this.pausing.delete(operator);
    this.setGate(this.gate.level);
    this.wiring.wake();
  }

  /** What an operator held back of the last watermark may go on. */
  advanceAgain(): void {
    this.again = true;
    this.wiring.wake();
  }

  private setGate(level: number): void {
    this.gate.level = level;
    this.readGate.level = this.pausing.size > 0 ? Math.max(1, level) : level;
  }

  wake(): void {
    this.wiring.wake();
  }

  onWatermark(input: number, watermark: number): void {
    this.afterValve(this.valve.update(input, watermark));
  }

  onIdle(input: number, idle: boolean): void {
    this.afterValve(this.valve.setIdle(input, idle));
  }

  private afterValve(advanced: boolean): void {
    if (advanced) this.beginAdvance(this.valve.current);
    this.becomeIdle(this.valve.allIdle);
  }

  protected becomeIdle(idle: boolean): void {
    this.outputTimes.becomeIdle(idle, this.advancing);
  }

  onLatency(marker: LatencyMarker): void {
    this.wiring.latency?.take(marker);
  }

  onBarrier(input: number, barrier: Barrier): void {
    this.checkpoints?.onBarrier(input, barrier);
  }

  onAnnouncement(input: number, barrier: Barrier): void {
    this.checkpoints?.onAnnouncement(input, barrier);
  }

  onEndOfData(input: number): void {
    if (this.dataEnded[input]) return;
    this.dataEnded[input] = true;
    this.openInputs--;
    if (this.phase !== "running") return;
    this.afterValve(this.valve.update(input, WATERMARK_MAX));
  }

  onEnd(input: number): void {
    this.openChannels--;
    this.checkpoints?.onEnd(input);
    // Ends without an end of data: the job was stopped behind a savepoint, nothing is finished.
    if (this.openChannels === 0 && this.phase === "running" && !this.inputEnded) this.endOutputs();
  }

  /** One turn. True when anything moved. */
  turn(): boolean {
    const started = this.wiring.now();
    let moved = this.pumpOutputs();
    if (this.phase === "running" || this.phase === "finishing") moved = this.settle() || moved;
    if (this.checkpoints !== undefined) moved = this.checkpoints.step() || moved;
    if ((this.phase === "running" || this.phase === "awaiting") && !this.occupied) {
      this.inputs.openLocals();
      const taken = this.phase === "running" ? this.take() : this.takeInputs();
      // Else a sender that runs after this task in each round would find the queue filled for ever.
      if (!this.blocked) this.inputs.openLocals();
      const ended = taken === 0 ? started : this.wiring.now();
      if (taken > 0) this.limit = nextTurnLimit(this.limit, taken, ended - started);
      this.inputs.debloater?.turn(started, ended, this.inputs.isDry);
      moved = taken > 0 || moved;
      if (this.phase === "running" && this.inputEnded && !this.occupied) this.phase = "finishing";
    } else this.inputs.debloater?.turn(started, started, false);
    if (this.phase === "finishing" && this.gate.level === 0 && !this.advancing)
      moved = this.finishOperators() || moved;
    if (this.mayEnd) this.endOutputs();
    if (this.phase === "draining") this.finishDraining();
    this.rest(started);
    return moved;
  }

  async close(aborted: boolean): Promise<void> {
    this.checkpoints?.close();
    await closeOperators(this.chain?.operators ?? [], this.wiring.functions, aborted);
  }

  report(): void {
    const { metrics, counters } = this.wiring;
    reportTask(metrics, this.inputs, this.outputs, counters);
    metrics.set("watermark", this.watermark);
    this.wiring.functions.report();
  }

  /** A turn has ended, or a sleep. What a paused task waits for is its own work. */
  spend(now: number, own: number, moved: boolean): void {
    this.time.spend(
      now,
      own,
      moved,
      this.pausing.size > 0 ? "busyMs" : this.gate.level > 0 ? "backPressuredMs" : "idleMs",
    );
  }

  protected get watermark(): number {
    return this.valve.current;
  }

  protected get inputEnded(): boolean {
    return this.openInputs === 0;
  }

  /**
   * A later checkpoint may be under way that was triggered before the final one was complete: the task takes its
   * part in it first. Its barriers come before the ends of the inputs.
   */
  private get mayEnd(): boolean {
    const isEnding = this.ending && this.phase === "awaiting" && this.openChannels === 0;
    return isEnding && this.checkpoints?.busy !== true;
  }

  /** Takes from the inputs in turn; answers how many elements. */
  protected take(): number {
    return this.takeInputs();
  }

  private takeInputs(): number {
    return this.inputs.take(this.limit, this.isBlocked);
  }

  /** Starts a watermark's way through the operators. */
  protected beginAdvance(watermark: number): void {
    this.passing[this.passing.length - 1] = watermark;
    this.advancing = true;
    this.advanceAt = 0;
    this.settle();
  }

  /** Goes on with what was suspended. True when something was left to do and moved. */
  private settle(): boolean {
    try {
      return this.settleOperators();
    } catch (error) {
      return this.wiring.failed(error, this.chain.operators[this.working]?.node.name ?? this.name, undefined);
    }
  }

  private settleOperators(): boolean {
    const { operators } = this.chain;
    this.suspended = false;
    for (let i = operators.length - 1; i >= 0; i--) {
      const operator = operators[i]!.operator;
      this.working = i;
      if (operator.proceed !== undefined && !operator.proceed()) return this.suspend();
    }
    if (this.again && !this.advancing) {
      this.again = false;
      this.advancing = true;
      this.advanceAt = 0;
    }
    if (!this.advancing) return false;
    const root = this.passing.length - 1;
    for (; this.advanceAt < operators.length; this.advanceAt++) {
      const operator = operators[this.advanceAt]!.operator;
      this.working = this.advanceAt;
      const feeder = this.feeders[this.advanceAt]!;
      const watermark = this.passing[feeder < 0 ? root : feeder]!;
      // Everything that could go on is held back before it.
      if (watermark === Number.NEGATIVE_INFINITY && operator.makesWatermarks !== true) {
        this.passing[this.advanceAt] = watermark;
        continue;
      }
      if (operator.advance !== undefined && !operator.advance(watermark)) return this.suspend();
      this.passing[this.advanceAt] = operator.passes === undefined ? watermark : operator.passes(watermark);
    }
    this.advancing = false;
    this.outputTimes.watermark(this.passing);
    return true;
  }

  private suspend(): boolean {
    this.suspended = true;
    this.inputs.closeLocals();
    return false;
  }

  private pumpOutputs(): boolean {
    if (this.gate.level === 0) return false;
    let moved = false;
    let level = 0;
    for (const output of this.outputs) {
      if (output.level > 0 && output.pump()) moved = true;
      if (output.level > level) level = output.level;
    }
    moved ||= level < this.gate.level;
    this.setGate(level);
    return moved;
  }

  private finishOperators(): boolean {
    const { operators } = this.chain;
    for (; this.finishAt < operators.length; this.finishAt++) {
      const { operator, node } = operators[this.finishAt]!;
      try {
        if (operator.finish !== undefined && !operator.finish()) return this.suspend();
      } catch (error) {
        this.wiring.failed(error, node.name, undefined);
      }
    }
    for (const { operator } of operators) operator.rest?.(this.wiring.now());
    for (const output of this.outputs) output.endOfData();
    this.phase = "awaiting";
    if (this.checkpoints === undefined) this.endOutputs();
    else this.wiring.dataEnded();
    return true;
  }

  protected endOutputs(): void {
    for (const output of this.outputs) output.end();
    this.phase = "draining";
  }

  private finishDraining(): void {
    for (const output of this.outputs) {
      if (!output.drained) {
        output.pump();
        if (!output.drained) return;
      }
    }
    this.phase = "committing";
  }

  /** After draining: what the sinks ask to be committed. The user's functions are closed before anything is. */
  async commit(): Promise<void> {
    await this.wiring.functions.close();
    this.wiring.functions.reportLast();
    // With checkpoints the final one has named everything.
    if (this.checkpoints !== undefined) return;
    this.committables = await committablesOf(this.chain.operators);
  }

  private rest(steady: number): void {
    if (this.phase === "finished" || this.phase === "committing") return;
    for (const { operator } of this.chain.operators) operator.rest?.(steady);
    this.wiring.rest(steady);
    for (const output of this.outputs) output.rest(steady);
  }
}
