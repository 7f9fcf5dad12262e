import { MillraceError, messageOf } from "../base/error.js";
import type { PendingCommittable } from "../checkpoint/snapshot.js";
import type { Committable, SinkDefinition, SinkWriter } from "../sink/contract.js";
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";

/** The end of a chain: hands records to a connector's writer. */
export function sinkLogic(definition: SinkDefinition): OperatorLogic & { readonly sink: SinkDefinition } {
  return { functions: [], sink: definition, create: (context) => new Sink(definition, context) };
}

/**
 * Keeps committables until they are known to be committed: a checkpoint that is aborted loses none, for the
 * next one reports them again.
 */
class Sink implements Operator {
  private readonly context: OperatorContext;
  private readonly writer: SinkWriter;
  private readonly restored: unknown[] = [];
  private pending: PendingCommittable[] = [];
  private prepared: Promise<readonly PendingCommittable[]> = Promise.resolve([]);

  constructor(definition: SinkDefinition, context: OperatorContext) {
    this.context = context;
    const { metrics } = context.lifecycle({});
    this.writer = definition.createWriter({ ...context, metrics });
    if (this.writer.snapshot !== undefined) context.parts.declare(writerPart(this.writer, this.restored));
  }

  open(): Promise<void> | void {
    if (this.restored.length > 0) this.writer.restore?.(this.restored.splice(0));
    return this.writer.open();
  }

  element(record: unknown, timestamp: number): void {
    this.writer.write(record, timestamp);
  }

  rest(): void {
    this.writer.flush();
  }

  finish(): boolean {
    this.writer.finish?.();
    return true;
  }

  /** The writer draws its line now, whatever earlier checkpoints still wait for. */
  prepareCommit(checkpoint: number): Promise<readonly PendingCommittable[]> {
    const written = (async () => this.writer.prepareCommit())();
    this.prepared = this.gather(checkpoint, this.prepared, written);
    // What the writer held is named by nobody then: only a restart gives it again.
    this.prepared.catch((error: unknown) => this.context.fail(this.notPrepared(error)));
    return this.prepared;
  }

  checkpointComplete(checkpoint: number): void {
    this.pending = this.pending.filter((each) => each.checkpoint > checkpoint);
  }

  close(aborted: boolean): Promise<void> {
    return this.writer.close(aborted);
  }

  private notPrepared(cause: unknown): MillraceError {
    if (MillraceError.is(cause)) return cause;
    const { job, operator, subtask } = this.context;
    return new MillraceError("SINK_FAILED", messageOf(cause), { job, operator, subtask, cause });
  }

  /** In the order of the checkpoints: each answer holds what the earlier ones named. */
  private async gather(
    checkpoint: number,
    earlier: Promise<unknown>,
    written: Promise<readonly Committable[]>,
  ): Promise<readonly PendingCommittable[]> {
    const [committables] = await Promise.all([written, earlier]);
    for (const committable of committables) this.pending.push({ checkpoint, committable });
    return [...this.pending];
  }
}

/** What the writer remembers. It is asked when the part is frozen: right after `prepareCommit`. */
function writerPart(writer: SinkWriter, restored: unknown[]): StatePart {
  return {
    name: "writer",
    scope: "split",
    schema: { kind: "writer" },
    freeze: (_wanted, sink) => frozen(writer.snapshot?.() ?? [], sink),
    load(item) {
      restored.push(item);
    },
  };
}

function frozen(items: readonly unknown[], sink: EntrySink): FrozenPart {
  let at = 0;
  return {
    kind: "full",
    pack(timeIsUp) {
      while (at < items.length && !timeIsUp()) sink.entry(items[at++], 0, 0);
      return at === items.length;
    },
    release() {
      at = items.length;
    },
  };
}
