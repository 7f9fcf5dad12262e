/** The state of a task's operators: what they have declared, and what of it goes into snapshots. */
import type { Clock } from "../base/clock.js";
import type { ChainedOperator, JobVertex } from "../graph/job-graph.js";
import type { Operator } from "../operators/contract.js";
import type { SourceReader } from "../source/contract.js";
import type { KeyedState, StateBackend, StateParts } from "../state/contract.js";
import { rangeOf } from "../state/key.js";
import type { ManagedMemory } from "./managed-memory.js";
import { DeclaredParts } from "./part-snapshots.js";
import type { SnapshotOperator } from "./running-snapshot.js";

export interface StateServices {
  readonly backend: StateBackend;
  readonly clock: Clock;
  /** Absent: backends take what they like. */
  readonly memory?: ManagedMemory;
}

export class OperatorStates {
  private readonly vertex: JobVertex;
  private readonly subtask: number;
  private readonly job: string;
  private readonly services: StateServices;
  private readonly folderOf: (operator: number) => string;
  private readonly declared = new Map<string, DeclaredParts>();
  private readonly keyed: KeyedState[] = [];

  /** `folderOf`: by the operator's index in its vertex, a folder of its own in this attempt. */
  constructor(
    vertex: JobVertex,
    subtask: number,
    job: string,
    services: StateServices,
    folderOf: (operator: number) => string,
  ) {
    this.vertex = vertex;
    this.subtask = subtask;
    this.job = job;
    this.services = services;
    this.folderOf = folderOf;
  }

  partsOf({ uid, name }: ChainedOperator): StateParts {
    return this.declaredOf(uid, name);
  }

  keyedStateOf(node: ChainedOperator): KeyedState {
    const { maxParallelism, parallelism } = this.vertex;
    const { memory } = this.services;
    const state = this.services.backend.open({
      job: this.job,
      operator: node.name,
      subtask: this.subtask,
      maxParallelism,
      groups: rangeOf(this.subtask, maxParallelism, parallelism),
      directory: this.folderOf(this.vertex.operators.indexOf(node)),
      ...(memory === undefined ? {} : { memoryBytes: memory.claim() }),
      now: this.services.clock.now,
      parts: this.partsOf(node),
    });
    this.keyed.push(state);
    return state;
  }

  /** What a snapshot is taken of, head to tail. */
  operators(
    stateful: readonly { readonly node: ChainedOperator; readonly operator: Operator }[],
    reader: SourceReader | undefined,
  ): SnapshotOperator[] {
    return this.vertex.operators.map((node, i): SnapshotOperator => {
      const operator = stateful.find((each) => each.node.uid === node.uid)?.operator;
      return {
        uid: node.uid,
        parts: this.declaredOf(node.uid, node.name).all,
        ...(i === 0 && reader !== undefined
          ? { splits: () => reader.snapshot() as unknown as readonly Readonly<Record<string, unknown>>[] }
          : {}),
        ...(operator?.prepareCommit === undefined
          ? {}
          : { prepareCommit: (checkpoint: number) => operator.prepareCommit!(checkpoint) }),
      };
    });
  }

  rest(steady: number): void {
    for (const state of this.keyed) state.rest(steady);
  }

  async close(): Promise<void> {
    for (const state of this.keyed) await state.close();
  }

  declaredOf(uid: string, name: string): DeclaredParts {
    const known = this.declared.get(uid);
    if (known !== undefined) return known;
    const made = new DeclaredParts(name);
    this.declared.set(uid, made);
    return made;
  }
}
