/**
 * Builds the tasks of a slot, downstream before upstream, so that a local channel's receiver exists when
 * the chain that calls it is compiled.
 */

import { present } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { MillraceError, toData } from "../base/error.js";
import type { Gate } from "../base/gate.js";
import { SNAPSHOT_INLINE_BYTES } from "../base/limits.js";
import { taskBlobPath } from "../checkpoint/paths.js";
import { Doorbell } from "../exchange/doorbell.js";
import { connections } from "../graph/connections.js";
import type { ChainedOperator, JobEdge, JobVertex } from "../graph/job-graph.js";
import { mayOvertakeInto } from "../graph/overtaking.js";
import { LatencyCounter } from "../metrics/latencies.js";
import { TaskMetrics } from "../metrics/task-metrics.js";
import type { AnyFunction } from "../operators/contract.js";
import type { SourceLogic } from "../operators/source.js";
import type { Deployment, SlotEvents, TaskAssignment } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { operatorFolder } from "../protocol/state-folder.js";
import type { SourcePosition, SourceReader } from "../source/contract.js";
import type { StateBackend } from "../state/contract.js";
import { canonicalKey, keyGroupOf } from "../state/key.js";
import type { BlobStore } from "../storage/contract.js";
import { buildChain, type Failed, isCombine } from "./chain-code.js";
import type { Channel, EdgeOutput } from "./edge-code.js";
import type { Receiver } from "./inputs.js";
import { LatencyMarkers } from "./latency-markers.js";
import { LocalChannel } from "./local-channel.js";
import { ManagedMemory } from "./managed-memory.js";
import { OperatorStates, type StateServices } from "./operator-states.js";
import { RingChannel } from "./ring-channel.js";
import { RingInput } from "./ring-input.js";
import { SecondInput } from "./second-input.js";
import { SourceTask } from "./source-task.js";
import { Task, type TaskWiring } from "./task.js";
import { type SnapshotInput, TaskCheckpoints } from "./task-checkpoints.js";
import { readFrom, userError } from "./user-error.js";
import { UserFunctions } from "./user-functions.js";

export interface SlotTask {
  readonly vertex: number;
  readonly subtask: number;
  readonly task: Task;
  /** The task for channels of its second input, where it has one. */
  readonly second: SecondInput | undefined;
  readonly reader: SourceReader | undefined;
  readonly states: OperatorStates;
  readonly functions: UserFunctions;
  readonly inputs: readonly SnapshotInput[];
}

/** What whoever drives a slot by hand puts in the place of its own parts. */
export interface SlotStandIns {
  readonly source?: (vertex: JobVertex, subtask: number, wiring: TaskWiring) => SourceTask;
  readonly localChannel?: (receiver: Receiver, input: number, sender: Task) => LocalChannel;
}

export interface SlotServices {
  readonly signal: AbortSignal;
  readonly backend: StateBackend;
  /** Where snapshots go; absent: they travel with their acknowledgement. */
  readonly store: BlobStore | undefined;
  readonly clock: Clock;
  /** Snapshots of at most so many bytes travel with their acknowledgement; default SNAPSHOT_INLINE_BYTES. */
  readonly inlineBytes?: number;
  readonly standIns?: SlotStandIns;
  wake(): void;
  fail(error: unknown): void;
}

type Building = { -readonly [K in keyof SlotTask]: SlotTask[K] } & {
  readonly outputs: readonly EdgeOutput[];
};

export class SlotBuilder {
  private readonly plan: Plan;
  private readonly deployment: Deployment;
  private readonly events: SlotEvents;
  private readonly services: SlotServices;
  private readonly ofStates: StateServices;
  private readonly built: Building[] = [];
  /** Vertices that keep records, or pass them to one that does. */
  private readonly retaining: ReadonlySet<number>;
  /** Local channels by the task that reads them, filled in while upstream tasks are built. */
  private readonly localInputs = new Map<Task, { input: number; channel: LocalChannel }[]>();

  constructor(plan: Plan, deployment: Deployment, events: SlotEvents, services: SlotServices) {
    this.plan = plan;
    this.deployment = deployment;
    this.events = events;
    const { managedMb = 0 } = deployment;
    this.services = services;
    const { backend, clock } = services;
    const memory = managedMb > 0 ? { memory: new ManagedMemory(managedMb) } : {};
    this.ofStates = { backend, clock, ...memory };
    this.retaining = retainingVertices(plan);
  }

  build(): readonly SlotTask[] {
    const assignments = [...this.deployment.tasks].sort((a, b) => b.vertex - a.vertex);
    for (const assignment of assignments) this.built.push(this.buildTask(assignment));
    for (const built of this.built) {
      this.connect(built);
      this.addCheckpoints(built);
    }
    return this.built;
  }

  private buildTask(assignment: TaskAssignment): Building {
    const vertex = this.plan.jobGraph.vertices[assignment.vertex]!;
    const { subtask } = assignment;
    const gate: Gate = { level: 0 };
    const counters = { lateRecordsDropped: 0, recordsFailed: 0 };
    const sourcePosition = () => (task instanceof SourceTask ? task.position() : undefined);
    const failed = this.failedIn(subtask, sourcePosition);
    const { runId, attempt } = this.deployment;
    const folderOf = (operator: number) => operatorFolder(runId, attempt, vertex.id, subtask, operator);
    const states = new OperatorStates(vertex, subtask, this.plan.jobGraph.job, this.ofStates, folderOf);
    const functions = this.functionsOf(vertex, subtask, failed);
    const wiring = {
      gate,
      counters,
      now: this.services.clock.steady,
      ...this.measures(assignment),
      wake: this.services.wake,
      rest: (steady: number) => states.rest(steady),
      dataEnded: () => this.events.dataEnded(vertex.id, subtask),
      failed,
      functions,
    };
    const isSource = vertex.operators[0]!.kind === "source";
    const task = isSource ? this.sourceTask(vertex, subtask, wiring) : new Task(vertex.name, wiring);
    task.vertexOperators = vertex.operators;
    const outputs = this.plan.jobGraph.edges
      .filter((edge) => edge.from === vertex.id)
      .map((edge) => this.buildOutput(edge, vertex, subtask, task));
    const chain = buildChain({
      vertex,
      outputs,
      failed,
      counters,
      sourcePosition,
      frozen: this.deployment.options.frozenRecords === true,
      takesPartials: this.takesPartials(vertex),
      logicOf: (uid) => present(this.plan.program.logic.get(uid)),
      contextOf: (node, out, side) => ({
        ...this.contextOf(vertex, subtask, node, task),
        gate,
        out,
        side,
        counters,
        parts: states.partsOf(node),
        keyedState: () => states.keyedStateOf(node),
        failed: (error, record) => failed(error, node.name, record),
        sourcePosition,
        lifecycle: (given) => functions.register(node, given),
      }),
    });
    const reader = task instanceof SourceTask ? this.readerOf(vertex, subtask, functions) : undefined;
    if (task instanceof SourceTask) {
      const logic = this.plan.program.logic.get(vertex.operators[0]!.uid) as SourceLogic;
      task.wireSource(logic, present(reader), chain, outputs);
    } else task.wire(chain, outputs);
    const second = chain.second === undefined ? undefined : new SecondInput(task, chain.second);
    return { vertex: vertex.id, subtask, task, second, reader, states, functions, inputs: [], outputs };
  }

  private failedIn(subtask: number, sourcePosition: () => SourcePosition | undefined): Failed {
    const { job } = this.plan.jobGraph;
    const frozen = this.deployment.options.frozenRecords === true;
    return (error, operator, record) => {
      const at = record === undefined ? undefined : sourcePosition();
      throw userError(error, { job, operator, subtask, ...readFrom(at) }, record, { frozen });
    };
  }

  private functionsOf(vertex: JobVertex, subtask: number, failed: Failed): UserFunctions {
    return new UserFunctions({
      ...this.place(vertex, subtask, vertex.name),
      attempt: this.deployment.attempt,
      signal: this.services.signal,
      declared: this.plan.program.accumulators,
      now: this.services.clock.steady,
      send: (report) => this.events.functionsReported(vertex.id, subtask, report),
      failed,
    });
  }

  /** What an operator's context has of its slot and task. */
  private contextOf(vertex: JobVertex, subtask: number, { uid, name }: ChainedOperator, task: Task) {
    const { clock, wake, fail } = this.services;
    const { runId, attempt } = this.deployment;
    return {
      ...this.place(vertex, subtask, name),
      maxParallelism: vertex.maxParallelism,
      runId,
      attempt,
      now: clock.steady,
      wallNow: clock.now,
      wake,
      fail,
      pause: () => task.pause(uid),
      resume: () => task.resume(uid),
      advanceAgain: () => task.advanceAgain(),
      sendRows: (rows: readonly unknown[]) => this.events.rows(uid, rows, task.latestCheckpoint),
    };
  }

  private readerOf(vertex: JobVertex, subtask: number, functions: UserFunctions): SourceReader {
    const { uid, name } = vertex.operators[0]!;
    const logic = this.plan.program.logic.get(uid) as SourceLogic;
    const { metrics } = functions.register({ uid, name }, {});
    const { wake, fail, signal } = this.services;
    return logic.source.createReader({
      ...this.place(vertex, subtask, name),
      requestSplits: (report) => this.events.requestSplits(vertex.id, subtask, report),
      wake,
      fail,
      signal,
      metrics,
    });
  }

  private takesPartials({ id }: JobVertex): boolean {
    const { edges, vertices } = this.plan.jobGraph;
    return edges.some(
      ({ to, from, fromOperator }) => to === id && isCombine(vertices[from]!.operators[fromOperator]!),
    );
  }

  private measures({ vertex, metricsRow }: TaskAssignment): Pick<TaskWiring, "metrics" | "latency"> {
    const { latencies, options } = this.deployment;
    const metrics = new TaskMetrics(this.deployment.metrics, metricsRow);
    if (latencies === undefined || options.latencyIntervalMs === undefined) return { metrics };
    const latency = new LatencyMarkers({
      vertex,
      intervalMs: options.latencyIntervalMs,
      counter: new LatencyCounter(latencies, metricsRow, this.plan.jobGraph.vertices.length),
      wallNow: this.services.clock.now,
    });
    return { metrics, latency };
  }

  private sourceTask(vertex: JobVertex, subtask: number, wiring: TaskWiring): SourceTask {
    const standIn = this.services.standIns?.source?.(vertex, subtask, wiring);
    return standIn ?? new SourceTask(vertex.operators[0]!.name, wiring);
  }

  private place(vertex: JobVertex, subtask: number, operator: string) {
    return { job: this.plan.jobGraph.job, operator, subtask, parallelism: vertex.parallelism };
  }

  private buildOutput(edge: JobEdge, vertex: JobVertex, subtask: number, task: Task): EdgeOutput {
    const { slot, slotOf, rings, doorbells, options } = this.deployment;
    const downstream = this.plan.jobGraph.vertices[edge.to]!;
    const channels: Channel[] = [];
    const entries: (AnyFunction | undefined)[] = [];
    const targets = connections(edge.partitioner, vertex.parallelism, downstream.parallelism).from(subtask);
    for (const to of targets) {
      const toSlot = slotOf[edge.to]![to]!;
      if (toSlot === slot) {
        const reader = present(this.built.find((each) => each.vertex === edge.to && each.subtask === to));
        const receiver = receiverOf(reader, edge);
        const input = this.inputIndex(edge, to, subtask);
        const channel =
          this.services.standIns?.localChannel?.(receiver, input, task) ??
          new LocalChannel(receiver, input, task);
        const list = this.localInputs.get(reader.task) ?? [];
        list.push({ input, channel });
        this.localInputs.set(reader.task, list);
        channels.push(channel);
        entries.push(receiver.entry);
      } else {
        const ring = present(
          rings.find((each) => each.edge === edge.id && each.from === subtask && each.to === to),
        );
        const where = vertex.operators[edge.fromOperator]!.name;
        const peer = new Doorbell(doorbells[toSlot]!);
        const { bufferTimeoutMs } = options;
        const retained = this.retaining.has(edge.to);
        channels.push(new RingChannel(ring.memory, peer, task, { where, bufferTimeoutMs, retained }));
        entries.push(undefined);
      }
    }
    return {
      edge,
      channels,
      targets,
      entries,
      selector: edge.selector === undefined ? undefined : this.plan.program.selectors.get(edge.selector),
      maxParallelism: downstream.maxParallelism,
      subtask,
    };
  }

  /** The position of a channel among all inputs of its receiver. */
  private inputIndex(edge: JobEdge, to: number, from: number): number {
    return this.inputsOf(edge.to, to).findIndex((each) => each.edge === edge.id && each.from === from);
  }

  /** All inputs of a subtask, in order. */
  private inputsOf(vertex: number, to: number): { edge: number; from: number; to: number }[] {
    const { edges, vertices } = this.plan.jobGraph;
    return edges
      .filter((edge) => edge.to === vertex)
      .flatMap(({ id, from: upstream, partitioner }) => {
        const connected = connections(
          partitioner,
          vertices[upstream]!.parallelism,
          vertices[vertex]!.parallelism,
        );
        return connected.to(to).map((from) => ({ edge: id, from, to }));
      });
  }

  private connect(built: Building): void {
    const { task, vertex, subtask } = built;
    if (task instanceof SourceTask) return;
    const { slot, slotOf, rings, doorbells, options } = this.deployment;
    const { debloat } = options;
    const locals = this.localInputs.get(task) ?? [];
    const channels = this.inputsOf(vertex, subtask).map(({ edge, from, to }, input) => {
      const local = locals.find((each) => each.input === input)?.channel;
      if (local !== undefined) return local;
      const jobEdge = this.plan.jobGraph.edges[edge]!;
      const fromSlot = slotOf[jobEdge.from]![from]!;
      const ring = rings.find((each) => each.edge === edge && each.from === from && each.to === to);
      const peer = new Doorbell(doorbells[present(fromSlot === slot ? undefined : fromSlot)]!);
      const receiver = receiverOf(built, jobEdge);
      return new RingInput(present(ring).memory, peer, receiver, input, task.readGate, {
        retained: this.retaining.has(vertex),
        debloat,
      });
    });
    task.connect(channels, debloat);
    const alwaysAligned = !mayOvertakeInto(this.plan.jobGraph, vertex);
    built.inputs = this.inputsOf(vertex, subtask).map((place, i) => ({
      ...place,
      channel: channels[i]!,
      alwaysAligned,
      ...this.missingKeyGroups(this.plan.jobGraph.edges[place.edge]!),
    }));
  }

  /** A single receiver in the sender's slot gets records without their key groups (see edge-code.ts). */
  private missingKeyGroups({ to, partitioner, selector }: JobEdge): Pick<SnapshotInput, "keyGroupOf"> {
    const { parallelism, maxParallelism } = this.plan.jobGraph.vertices[to]!;
    if (partitioner !== "hash" || parallelism > 1) return {};
    const keyOf = present(this.plan.program.selectors.get(present(selector)));
    return { keyGroupOf: (record) => keyGroupOf(canonicalKey(keyOf(record)), maxParallelism) };
  }

  private addCheckpoints({ task, vertex, subtask, reader, states, inputs, outputs }: Building): void {
    const { checkpoints } = this.deployment;
    if (checkpoints === undefined) return;
    const { store, inlineBytes } = this.services;
    task.takeCheckpoints(
      new TaskCheckpoints({
        task,
        vertex,
        subtask,
        store,
        inlineBytes: inlineBytes ?? SNAPSHOT_INLINE_BYTES,
        inputs,
        blobPath: (checkpoint) =>
          taskBlobPath(checkpoints.jobId, checkpoint, checkpoints.epoch, vertex, subtask),
        now: this.services.clock.steady,
        wallNow: this.services.clock.now,
        operators: states.operators(task.stateful, reader),
        outputs: outputs.flatMap(({ edge, channels, targets }) =>
          channels.map((channel, i) => ({
            channel,
            edge: edge.id,
            from: subtask,
            to: targets[i]!,
            alwaysAligned: !mayOvertakeInto(this.plan.jobGraph, edge.to),
          })),
        ),
        events: {
          acknowledge: (checkpoint, snapshot) => this.events.acknowledged(checkpoint, snapshot),
          decline: (checkpoint, error) => {
            const place = { job: this.plan.jobGraph.job, operator: task.name, subtask };
            const known = MillraceError.is(error) ? error : userError(error, place, undefined);
            this.events.declined(checkpoint, { vertex, subtask }, toData(known));
          },
        },
      }),
    );
  }
}

/** What the channels of an edge give their records to. */
function receiverOf({ task, second }: SlotTask, edge: JobEdge): Receiver {
  return edge.input === 1 ? present(second) : task;
}

function retainingVertices({ jobGraph, program }: Plan): Set<number> {
  const keeps = jobGraph.vertices.filter(({ operators }) =>
    operators.some(({ uid }) => program.logic.get(uid)?.retains === true),
  );
  const found = new Set(keeps.map(({ id }) => id));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { from, to } of jobGraph.edges) if (found.has(to)) found.add(from);
  }
  return found;
}
