/** What every source must do. */
import { seededRandom } from "../../base/random.js";
import type { SourceDefinition } from "../../source/contract.js";
import { CASE_MS, type ContractCase, contractCase, holds, same, sameMembers } from "./contract-case.js";
import { type BySplit, type Cut, SourceRun } from "./source-run.js";

/** A run up to a checkpoint: its parallelism, and how many records each reader gives. */
export interface Stage {
  readonly parallelism: number;
  readonly limits: readonly number[];
}

/** How much of a source is tried. */
export interface SourceContractOptions {
  /** All records that it has to give, in any order; default: what it gives when it is read at once. */
  readonly records?: readonly unknown[];
  /** The highest parallelism that is tried; default 4, or what the source says. */
  readonly parallelism?: number;
  /** How many drawn sequences of restores are tried; default 25. */
  readonly runs?: number;
  /** How long a case may take, real ms; default a minute. */
  readonly limitMs?: number;
}

/** All records, read at once by one reader. */
export async function readAll(definition: SourceDefinition<any, any>): Promise<BySplit> {
  const run = await SourceRun.start(definition, 1);
  await run.read();
  await run.close();
  return run.records;
}

/**
 * Reads through the stages and then, at `parallelism`, to the end. What all runs gave together has to be `all`,
 * each split's records in order; and the work they did has to be the total, if there is one.
 */
export async function expectExactlyOnce(
  definition: SourceDefinition<any, any>,
  all: BySplit,
  cuts: readonly Stage[],
  parallelism: number,
): Promise<void> {
  const given: BySplit = new Map();
  let consumed = 0;
  const gather = (run: SourceRun) => {
    consumed += run.consumed;
    for (const [id, records] of run.records) given.set(id, [...(given.get(id) ?? []), ...records]);
  };
  let from: Cut | undefined;
  for (const stage of cuts) {
    const run = await SourceRun.start(definition, stage.parallelism, from);
    await run.read((subtask) => stage.limits[subtask]!);
    gather(run);
    from = await run.cut();
  }
  const last = await SourceRun.start(definition, parallelism, from);
  await last.read();
  gather(last);
  const nothing = await last.cut();
  same(nothing.splits, [], "the splits left when all is read");
  sameRecords(given, all);
  if (last.total !== undefined) same(consumed, last.total, "the work of all readers together (`consumed`)");
}

function sameRecords(given: BySplit, all: BySplit): void {
  sameMembers(given.keys(), all.keys(), "the ids of the splits that gave records");
  for (const [id, records] of all) same(given.get(id), records, `what split "${id}" has given`);
}

/** One to three stages, as the seed has it. */
function drawStages(seed: number, parallelismMax: number, recordsMax: number): Stage[] {
  const random = seededRandom(seed);
  const below = (limit: number) => random.u32() % limit;
  return Array.from({ length: 1 + below(3) }, () => {
    const parallelism = 1 + below(parallelismMax);
    const limit = () => below(below(2) === 0 ? 4 : recordsMax + 1);
    return { parallelism, limits: Array.from({ length: parallelism }, limit) };
  });
}

interface Tried {
  readonly definition: SourceDefinition<any, any>;
  readonly parallelism: number;
  readonly given: SourceContractOptions;
}
type SourceCase = (tried: Tried) => Promise<void>;

const cases: Readonly<Record<string, SourceCase>> = {
  "describes itself in plain JSON": async ({ definition }) => {
    const { kind, description } = definition;
    holds(typeof kind === "string" && kind !== "", "the source has no kind");
    same(JSON.parse(JSON.stringify(description)), description, "the description as JSON");
  },
  "gives its records, and ends": async ({ definition, given }) => {
    const run = await SourceRun.start(definition, 1);
    await run.read();
    if (given.records !== undefined) sameMembers(run.sequence, given.records, "what the source gives");
    if (run.total !== undefined)
      same(run.consumed, run.total, "the work that the reader says it has done (`consumed`)");
    const { splits } = await run.cut();
    same(splits, [], "the splits left when all is read");
  },
  "gives the same records when it is read again": async ({ definition, parallelism }) => {
    const all = await readAll(definition);
    for (let width = 1; width <= parallelism; width++) {
      const run = await SourceRun.start(definition, width);
      await run.read();
      await run.close();
      sameRecords(run.records, all);
    }
  },
  "can be closed wherever it is": async ({ definition, parallelism }) => {
    for (const limit of [0, 1, 2]) {
      const run = await SourceRun.start(definition, parallelism);
      await run.read(() => limit);
      await run.close();
    }
  },
};

const replayableCases: Readonly<Record<string, SourceCase>> = {
  "gives every record once, wherever and at whatever parallelism it is restored": async (tried) => {
    const { definition, parallelism, given } = tried;
    const all = await readAll(definition);
    const records = Math.max(0, ...[...all.values()].map(({ length }) => length));
    for (let seed = 1; seed <= (given.runs ?? 25); seed++) {
      await expectExactlyOnce(
        definition,
        all,
        drawStages(seed, parallelism, records),
        1 + (seed % parallelism),
      );
    }
  },
  "gives splits back that a failed reader had": async ({ definition, parallelism }) => {
    const all = await readAll(definition);
    for (const limit of [0, 1, 3]) {
      const run = await SourceRun.start(definition, parallelism);
      await run.read(() => limit);
      if (run.takesBack) await run.fail(limit % parallelism);
      await run.read();
      await run.close();
      sameRecords(run.records, all);
    }
  },
};

/**
 * The cases that every source has to pass whose records end. `create` answers a source that gives the same each
 * time, and is called for each case; where it cannot go on behind a record (`replayable: false`) nothing is restored.
 *
 * @example
 * for (const { name, run } of sourceContract(() => mySource({ path }), { replayable: true })) it(name, run);
 */
export function sourceContract(
  create: () => SourceDefinition<any, any> | Promise<SourceDefinition<any, any>>,
  options: SourceContractOptions & { readonly replayable: boolean },
): ContractCase[] {
  const { limitMs = CASE_MS, replayable } = options;
  const all = replayable ? { ...cases, ...replayableCases } : cases;
  return Object.entries(all).map(([name, work]) =>
    contractCase(
      name,
      async () => {
        const definition = await create();
        same(definition.replayable, replayable, "`replayable`");
        const parallelism = Math.min(options.parallelism ?? 4, definition.parallelismMax ?? 4);
        await work({ definition, parallelism, given: options });
      },
      limitMs,
    ),
  );
}
