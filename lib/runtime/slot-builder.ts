/**
 * Builds the tasks of a slot, downstream before upstream, so that a local channel's receiver exists when
 * the chain that calls it is compiled.
 */

import { present } from "../base/assert.js";
import { systemClock } from "../base/clock.js";
import type { Gate } from "../base/gate.js";
import { Doorbell } from "../exchange/doorbell.js";
import { connections } from "../graph/connections.js";
import type { JobEdge, JobVertex } from "../graph/job-graph.js";
import { TaskMetrics } from "../metrics/task-metrics.js";
import type { AnyFunction, OperatorContext } from "../operators/contract.js";
import type { SourceLogic } from "../operators/source.js";
import type { Deployment, SlotEvents, TaskAssignment } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { SourceReader } from "../source/contract.js";
import type { KeyedState } from "../state/contract.js";
import { heapBackend } from "../state/heap/backend.js";
import { buildChain, type Failed } from "./chain-code.js";
import type { Channel, EdgeOutput } from "./edge-code.js";
import { LocalChannel, type LocalReceiver } from "./local-channel.js";
import { RingChannel } from "./ring-channel.js";
import { RingInput } from "./ring-input.js";
import { SecondInput } from "./second-input.js";
import { SourceTask } from "./source-task.js";
import { Task } from "./task.js";
import { userError } from "./user-error.js";

export interface SlotTask {
  readonly vertex: number;
  readonly subtask: number;
  readonly task: Task;
  /** The task for channels of its second input, where it has one. */
  readonly second: SecondInput | undefined;
  readonly reader: SourceReader | undefined;
}

export interface SlotServices {
  readonly signal: AbortSignal;
  wake(): void;
  fail(error: unknown): void;
}

export class SlotBuilder {
  private readonly plan: Plan;
  private readonly deployment: Deployment;
  private readonly events: SlotEvents;
  private readonly services: SlotServices;
  private readonly built: SlotTask[] = [];
  /** Vertices that keep records, or pass them to one that does. */
  private readonly retaining: ReadonlySet<number>;
  /** Local channels by the task that reads them, filled in while upstream tasks are built. */
  private readonly localInputs = new Map<Task, { input: number; channel: LocalChannel }[]>();

  constructor(plan: Plan, deployment: Deployment, events: SlotEvents, services: SlotServices) {
    this.plan = plan;
    this.deployment = deployment;
    this.events = events;
    this.services = services;
    this.retaining = retainingVertices(plan);
  }

  build(): readonly SlotTask[] {
    const assignments = [...this.deployment.tasks].sort((a, b) => b.vertex - a.vertex);
    for (const assignment of assignments) this.built.push(this.buildTask(assignment));
    for (const each of this.built) this.connect(each);
    return this.built;
  }

  private buildTask(assignment: TaskAssignment): SlotTask {
    const vertex = this.plan.jobGraph.vertices[assignment.vertex]!;
    const { subtask } = assignment;
    const gate: Gate = { level: 0 };
    const counters = { lateRecordsDropped: 0 };
    const failed: Failed = (error, operator, record) => {
      throw userError(error, { job: this.plan.jobGraph.job, operator, subtask }, record);
    };
    const wiring = {
      gate,
      counters,
      metrics: new TaskMetrics(this.deployment.metrics, assignment.metricsRow),
      now: systemClock.steady,
      wake: this.services.wake,
      failed,
    };
    const isSource = vertex.operators[0]!.kind === "source";
    const task = isSource ? new SourceTask(vertex.operators[0]!.name, wiring) : new Task(vertex.name, wiring);
    task.vertexOperators = vertex.operators;
    const outputs = this.plan.jobGraph.edges
      .filter((edge) => edge.from === vertex.id)
      .map((edge) => this.buildOutput(edge, vertex, subtask, task));
    const chain = buildChain({
      vertex,
      outputs,
      failed,
      logicOf: (uid) => present(this.plan.program.logic.get(uid)),
      contextOf: (node, out, side): OperatorContext => ({
        ...this.place(vertex, subtask, node.name),
        maxParallelism: vertex.maxParallelism,
        runId: this.deployment.runId,
        gate,
        out,
        side,
        counters,
        now: systemClock.steady,
        wallNow: systemClock.now,
        attempt: 1,
        parts: { declare: () => undefined },
        keyedState: () => this.keyedState(vertex, subtask, node.name),
        wake: this.services.wake,
        pause: () => task.pause(),
        resume: () => task.resume(),
        fail: this.services.fail,
        sendRows: (rows) => this.events.rows(node.uid, rows),
      }),
    });
    let reader: SourceReader | undefined;
    if (task instanceof SourceTask) {
      const logic = this.plan.program.logic.get(vertex.operators[0]!.uid) as SourceLogic;
      reader = logic.source.createReader({
        ...this.place(vertex, subtask, vertex.operators[0]!.name),
        requestSplits: () => this.events.requestSplits(vertex.id, subtask),
        wake: this.services.wake,
        fail: this.services.fail,
        signal: this.services.signal,
      });
      task.wireSource(logic, reader, chain, outputs);
    } else task.wire(chain, outputs);
    const second = chain.second === undefined ? undefined : new SecondInput(task, chain.second);
    return { vertex: vertex.id, subtask, task, second, reader };
  }

  private keyedState(
    { maxParallelism, parallelism }: JobVertex,
    subtask: number,
    operator: string,
  ): KeyedState {
    return heapBackend.open({
      job: this.plan.jobGraph.job,
      operator,
      subtask,
      maxParallelism,
      groups: {
        first: Math.ceil((subtask * maxParallelism) / parallelism),
        last: Math.ceil(((subtask + 1) * maxParallelism) / parallelism) - 1,
      },
      directory: "",
      now: systemClock.now,
      parts: { declare: () => undefined },
    });
  }

  private place(vertex: JobVertex, subtask: number, operator: string) {
    return { job: this.plan.jobGraph.job, operator, subtask, parallelism: vertex.parallelism };
  }

  private buildOutput(edge: JobEdge, vertex: JobVertex, subtask: number, task: Task): EdgeOutput {
    const { slot, slotOf, rings, doorbells, options } = this.deployment;
    const downstream = this.plan.jobGraph.vertices[edge.to]!;
    const channels: Channel[] = [];
    const entries: (AnyFunction | undefined)[] = [];
    for (const to of connections(edge.partitioner, vertex.parallelism, downstream.parallelism).from(
      subtask,
    )) {
      const toSlot = slotOf[edge.to]![to]!;
      if (toSlot === slot) {
        const reader = present(this.built.find((each) => each.vertex === edge.to && each.subtask === to));
        const receiver = receiverOf(reader, edge);
        const input = this.inputIndex(edge, to, subtask);
        const channel = new LocalChannel(receiver, input, task);
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
      entries,
      selector: edge.selector === undefined ? undefined : this.plan.program.selectors.get(edge.selector),
      maxParallelism: downstream.maxParallelism,
      subtask,
    };
  }

  /** The position of a channel among all inputs of its receiver. */
  private inputIndex(edge: JobEdge, to: number, from: number): number {
    let index = 0;
    for (const other of this.plan.jobGraph.edges) {
      if (other.to !== edge.to) continue;
      const upstream = this.plan.jobGraph.vertices[other.from]!.parallelism;
      const downstream = this.plan.jobGraph.vertices[other.to]!.parallelism;
      const sources = connections(other.partitioner, upstream, downstream).to(to);
      if (other.id === edge.id) return index + sources.indexOf(from);
      index += sources.length;
    }
    throw new Error("edge is not in the graph");
  }

  private connect(built: SlotTask): void {
    const { task, vertex: vertexId, subtask } = built;
    if (task instanceof SourceTask) return;
    const inputs: (RingInput | LocalChannel)[] = [];
    for (const { input, channel } of this.localInputs.get(task) ?? []) inputs[input] = channel;
    for (const edge of this.plan.jobGraph.edges) {
      if (edge.to !== vertexId) continue;
      for (const ring of this.deployment.rings) {
        if (ring.edge !== edge.id || ring.to !== subtask) continue;
        const fromSlot = this.deployment.slotOf[edge.from]![ring.from]!;
        if (fromSlot === this.deployment.slot) continue;
        const input = this.inputIndex(edge, subtask, ring.from);
        const peer = new Doorbell(this.deployment.doorbells[fromSlot]!);
        inputs[input] = new RingInput(
          ring.memory,
          peer,
          receiverOf(built, edge),
          input,
          task.gate,
          this.retaining.has(vertexId),
        );
      }
    }
    task.connect(inputs);
  }
}

/** What the channels of an edge give their records to. */
function receiverOf({ task, second }: SlotTask, edge: JobEdge): LocalReceiver {
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
