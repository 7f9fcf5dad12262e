import type { SourceDefinition } from "../../source/contract.js";
import { type FirstSource, type NextSource, SourceChain } from "./chain.js";
import { HybridEnumerator } from "./enumerator.js";
import { HybridReader } from "./reader.js";
import type { HybridSplit } from "./switching.js";

/**
 * Reads sources one after the other as if they were one (FLIP-150): the history from files, then what comes live. A
 * source begins when all readers have read the one before to its end; all but the last must end by themselves.
 *
 * A source may be made at its turn from where the one before has ended, as that says (`end`, JSON): `fileSource` and
 * an `iterableSource` with positions do; others may (`SplitEnumerator.endPosition`). The function is called in every
 * thread and behind every restart with the same `end`, which checkpoints keep.
 *
 * Every record is given once, where all sources can do that, whatever fails before, at or behind a switch; a savepoint
 * may be restored at any parallelism.
 *
 * @example
 * env.source("orders", hybridSource(
 *   fileSource({ path: "history/*.jsonl", format: jsonl<Order>() }),
 *   (end) => iterableSource(({ position, signal }) => liveOrders(position, signal), { start: end.modified }),
 * ));
 *
 * // Event time is told in another way in each source.
 * hybridSource({ source: history, watermarks: byDay }, { source: live, watermarks: bySecond })
 *
 * Throws SOURCE_CHAIN_INVALID, OPTION_INVALID; at a switch also USER_FUNCTION_FAILED.
 */
export function hybridSource<T>(
  first: FirstSource<T>,
  ...next: readonly NextSource<T>[]
): SourceDefinition<T, HybridSplit> {
  const chain = new SourceChain<T>([first, ...next]);
  const { boundedness, replayable, parallelismMax, description, watermarks } = chain;
  return {
    kind: "hybrid",
    boundedness,
    replayable,
    ...(parallelismMax === undefined ? {} : { parallelismMax }),
    ...(watermarks === undefined ? {} : { watermarks }),
    description,
    createEnumerator: (context) => new HybridEnumerator(chain, context),
    createReader: (context) => new HybridReader<T>(chain, context),
  };
}
