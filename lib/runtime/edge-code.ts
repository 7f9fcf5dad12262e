/** Generates how a record finds its channel: the step at the end of a chain, one per edge. */
import { fmix32 } from "../base/hash.js";
import { refusePromise } from "../base/promise-check.js";
import { seededRandom } from "../base/random.js";
import type { JobEdge } from "../graph/job-graph.js";
import type { AnyFunction } from "../operators/contract.js";
import { type CanonicalKey, canonicalKey, hashKey, keyGroupOf, ownerOf } from "../state/key.js";
import { LocalChannel } from "./local-channel.js";
import type { RingChannel } from "./ring-channel.js";

export type Channel = LocalChannel | RingChannel;

/** The channels of one edge that start at this subtask. */
export interface EdgeOutput {
  readonly edge: JobEdge;
  /** By downstream subtask, only those this subtask is connected to. */
  readonly channels: readonly Channel[];
  /** The downstream subtask of each channel. */
  readonly targets: readonly number[];
  /** The receiver's entry for local channels, at the same index. */
  readonly entries: readonly (AnyFunction | undefined)[];
  /** The function of keyBy or partitionCustom. */
  readonly selector: AnyFunction | undefined;
  readonly maxParallelism: number;
  readonly subtask: number;
}

export interface CodeSink {
  bind(value: unknown, hint: string): string;
  fresh(): string;
  line(source: string): void;
}

export function writeEdge(site: CodeSink, output: EdgeOutput, value: string, timestamp: string): void {
  const { channels } = output;
  const sends = channels.map((_, i) => send(site, output, i, value, timestamp));
  const n = channels.length;
  switch (output.edge.partitioner) {
    case "hash":
      writeHash(site, output, sends, value);
      return;
    case "broadcast":
      for (const each of sends) site.line(each("0"));
      return;
    case "custom": {
      const chosen = site.fresh();
      site.line(`${chosen} = ${site.bind(output.selector, "partition")}(${value}, ${n});`);
      site.line(`if ((${chosen} | 0) !== ${chosen} || ${chosen} < 0 || ${chosen} >= ${n})`);
      site.line(`  ${site.bind(refuseChannel, "refuseChannel")}(${chosen}, ${n});`);
      choose(site, sends, chosen, "0");
      return;
    }
    case "shuffle": {
      const random = seededRandom(output.subtask + 1);
      choose(site, sends, `(${site.bind(random, "random")}.u32() % ${n})`, "0");
      return;
    }
    case "rebalance":
    case "rescale": {
      if (n === 1) break;
      const next = site.bind({ channel: output.subtask % n }, "next");
      site.line(`if (++${next}.channel === ${n}) ${next}.channel = 0;`);
      choose(site, sends, `${next}.channel`, "0");
      return;
    }
    default:
  }
  if (n > 0) site.line(sends[0]!("0"));
}

function writeHash(
  site: CodeSink,
  output: EdgeOutput,
  sends: readonly ((keyGroup: string) => string)[],
  value: string,
): void {
  const max = output.maxParallelism;
  const [only] = output.channels;
  // One receiver, and in this slot: nobody asks for the key group but a snapshot of what is in flight.
  if (output.channels.length === 1 && only instanceof LocalChannel) {
    const keyOf = output.selector!;
    only.keyGroupOf = (record) => keyGroupOf(canonicalKey(keyOf(record)), max);
    site.line(sends[0]!("0"));
    return;
  }
  const [key, hash, group] = [site.fresh(), site.fresh(), site.fresh()];
  const mix = site.bind(fmix32, "fmix32");
  const slow = site.bind(hashAny, "hashAny");
  site.line(`${key} = ${site.bind(output.selector, "key")}(${value});`);
  site.line(
    `${hash} = typeof ${key} === "number" && (${key} | 0) === ${key} ? ${mix}(${key}) : ${slow}(${key});`,
  );
  const powerOfTwo = (max & (max - 1)) === 0;
  site.line(`${group} = ${powerOfTwo ? `${hash} & ${max - 1}` : `(${hash} >>> 0) % ${max}`};`);
  if (sends.length === 1) {
    site.line(sends[0]!(group));
    return;
  }
  const owners = new Uint16Array(max);
  for (let i = 0; i < max; i++) owners[i] = ownerOf(i, max, output.channels.length);
  choose(site, sends, `${site.bind(owners, "owners")}[${group}]`, group);
}

function refuseChannel(chosen: unknown, channels: number): never {
  refusePromise(chosen);
  throw new RangeError(`partitionCustom chose channel ${String(chosen)} of ${channels}`);
}

function hashAny(key: unknown): number {
  return hashKey(typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey));
}

function choose(
  site: CodeSink,
  sends: readonly ((keyGroup: string) => string)[],
  index: string,
  keyGroup: string,
): void {
  if (sends.length === 2) {
    site.line(`if (${index} === 0) { ${sends[0]!(keyGroup)} } else { ${sends[1]!(keyGroup)} }`);
    return;
  }
  site.line(`switch (${index}) {`);
  sends.forEach((each, i) => {
    site.line(`case ${i}: ${each(keyGroup)} break;`);
  });
  site.line("}");
}

/** The statement that hands a record to channel `i`, as a function of the key group's expression. */
function send(site: CodeSink, output: EdgeOutput, i: number, value: string, timestamp: string) {
  const channel = output.channels[i]!;
  const name = site.bind(channel, "channel");
  if (!(channel instanceof LocalChannel)) {
    const writer = site.bind(channel.writer, "writer");
    return (group: string) =>
      `if (${name}.held) ${name}.hold(${value}, ${timestamp}, ${group}); ` +
      `else ${writer}.write(${value}, ${timestamp}, ${group});`;
  }
  const entry = site.bind(output.entries[i], "entry");
  return (group: string) =>
    `${name}.recordsOut++; if (${name}.open) ${entry}(${value}, ${timestamp}, ${group}); ` +
    `else ${name}.push(${value}, ${timestamp}, ${group});`;
}
