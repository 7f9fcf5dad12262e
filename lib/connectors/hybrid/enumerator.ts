import { MillraceError } from "../../base/error.js";
import type { EnumeratorContext, SourceDefinition, Split, SplitEnumerator } from "../../source/contract.js";
import type { SourceChain } from "./chain.js";
import {
  type HybridReport,
  type HybridSplit,
  overMark,
  Switching,
  type SwitchingSnapshot,
} from "./switching.js";

/** What goes into a checkpoint. While the next source is being begun it is as if that were not so. */
interface HybridSnapshot extends SwitchingSnapshot {
  /** Of the current source. */
  readonly kind: string;
  /** Where the source before has ended. */
  readonly from?: unknown;
  /** Of the current source's enumerator; absent: it has not said anything. */
  readonly state?: unknown;
}

/** Gives out the splits of one source after the other. */
export class HybridEnumerator implements SplitEnumerator<HybridSplit> {
  readonly total = undefined;
  private readonly chain: SourceChain<any>;
  private readonly context: EnumeratorContext;
  private readonly switching: Switching;
  private from: unknown;
  /** Of the current source. */
  private kind = "";
  private current: SplitEnumerator | undefined;
  /** The next source's, which is starting. */
  private coming: SplitEnumerator | undefined;
  private failure: { readonly error: unknown } | undefined;
  private closed = false;

  constructor(chain: SourceChain<any>, context: EnumeratorContext) {
    this.chain = chain;
    this.context = context;
    const restored = context.restored as HybridSnapshot | undefined;
    this.switching = new Switching(context.parallelism, chain.length, restored);
    this.from = restored?.from;
  }

  /** Throws SOURCE_CHAIN_INVALID where the checkpoint was taken in another chain. */
  async start(): Promise<void> {
    const restored = this.context.restored as HybridSnapshot | undefined;
    const { source } = this.switching;
    const definition = this.chain.definitionOf(source, this.from);
    if (restored !== undefined && restored.kind !== definition.kind) {
      const found = `source ${source + 1} of the chain is "${definition.kind}"`;
      throw new MillraceError(
        "SOURCE_CHAIN_INVALID",
        `${found}, and was "${restored.kind}" at the checkpoint`,
      );
    }
    const isRestored = restored !== undefined && "state" in restored;
    this.kind = definition.kind;
    this.current = this.open(definition, isRestored ? { restored: restored.state } : {});
    await this.current.start();
  }

  async request(subtask: number, report?: unknown): Promise<readonly HybridSplit[] | undefined> {
    if (this.failure !== undefined) throw this.failure.error;
    const said = report as HybridReport | undefined;
    const decision = this.switching.onRequest(subtask, said);
    switch (decision.kind) {
      case "give":
        return decision.splits;
      case "switch":
        void this.switchOver();
        return [];
      case "wait":
        return [];
      case "ask":
        return this.ask(subtask, said?.report);
    }
  }

  /** Undefined where the current source's cannot take splits back. */
  get addSplitsBack(): HybridEnumerator["takeBack"] {
    return (this.current?.addSplitsBack && this.takeBack) as HybridEnumerator["takeBack"];
  }

  snapshot(): unknown {
    const { current, from, kind } = this;
    if (current === undefined) return this.context.restored;
    const state = current.snapshot();
    return {
      ...this.switching.snapshot(),
      kind,
      ...(from === undefined ? {} : { from }),
      ...(state === undefined ? {} : { state }),
    } satisfies HybridSnapshot;
  }

  endPosition(): unknown {
    return this.current?.endPosition?.();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([this.current?.close(), this.coming?.close()]);
  }

  private readonly takeBack = (splits: readonly HybridSplit[], subtask: number): void => {
    const back = this.switching.takeBack(splits, subtask);
    // The reader asks again: the enumerator has to know, also where it has nothing to take back.
    if (!this.switching.isSwitching) this.current!.addSplitsBack!(back, subtask);
  };

  private async ask(subtask: number, report: unknown): Promise<readonly HybridSplit[] | undefined> {
    const { source } = this.switching;
    const splits = await this.current!.request(subtask, report);
    if (splits !== undefined) return splits.map((split) => this.wrap(source, split));
    return source === this.chain.length - 1 ? undefined : [overMark(source)];
  }

  private wrap(source: number, split: Split): HybridSplit {
    const { from } = this;
    return { id: `${source}:${split.id}`, source, ...(from === undefined ? {} : { from }), split };
  }

  /** Begins the next source. Readers that ask meanwhile wait, and so does no checkpoint. */
  private async switchOver(): Promise<void> {
    const before = this.current!;
    try {
      const from = await before.endPosition?.();
      if (this.closed) return;
      const definition = this.chain.definitionOf(this.switching.source + 1, from);
      const coming = this.open(definition, {});
      this.coming = coming;
      await coming.start();
      if (this.closed) return;
      this.coming = undefined;
      this.current = coming;
      this.kind = definition.kind;
      this.from = from;
      this.switching.onSwitched();
      before.close().catch(() => undefined);
    } catch (error) {
      this.failure = { error };
    }
    this.context.available();
  }

  private open(
    definition: SourceDefinition<any, any>,
    restored: Pick<EnumeratorContext, "restored">,
  ): SplitEnumerator {
    const { job, operator, parallelism, available } = this.context;
    return definition.createEnumerator({ job, operator, parallelism, available, ...restored });
  }
}
