/** What every sink must do whose rows become visible with their checkpoint, each once. */
import { messageOf } from "../../base/error.js";
import { type Random, seededRandom } from "../../base/random.js";
import type { SinkDefinition } from "../../sink/contract.js";
import {
  broken,
  CASE_MS,
  type ContractCase,
  contractCase,
  holds,
  same,
  sameMembers,
} from "./contract-case.js";
import { SinkRun } from "./sink-run.js";

/** A sink with an empty target, as a case of `sinkContract` begins with. */
export interface SinkUnderTest<T = any> {
  readonly sink: SinkDefinition<T>;
  /**
   * The records that a reader of the target sees now. `sent`: what writers have given to `sendRows`, of complete
   * checkpoints.
   */
  visible(sent: readonly unknown[]): Promise<Iterable<T>> | Iterable<T>;
  /** Removes everything. */
  readonly dispose?: () => Promise<void>;
}

/** How a sink is tried. */
export interface SinkContractOptions<T = any> {
  /** Record number `n`; different numbers, different records. */
  readonly record: (n: number) => T;
  /** The highest parallelism that is tried; default 3, or what the sink says. */
  readonly parallelism?: number;
  /** How many drawn sequences of writes, checkpoints and crashes are tried; default 25. */
  readonly runs?: number;
  /** How long a case may take, real ms; default a minute. */
  readonly limitMs?: number;
}

class SinkTrial {
  readonly run: SinkRun;
  readonly parallelism: number;
  private readonly tested: SinkUnderTest;
  private readonly record: (n: number) => unknown;
  private written = 0;
  /** Numbers of records: not in a complete checkpoint, and in one. */
  private open: number[] = [];
  private safe: number[] = [];

  constructor(tested: SinkUnderTest, { record, parallelism }: SinkContractOptions) {
    this.tested = tested;
    this.record = record;
    this.parallelism = Math.min(parallelism ?? 3, tested.sink.parallelismMax ?? 3);
    this.run = new SinkRun(tested.sink as SinkDefinition<never>);
  }

  write(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.open.push(this.written);
      this.run.write(this.written, this.record(this.written), this.written);
      this.written++;
    }
  }

  /** A checkpoint that is complete, and committed unless it is told otherwise; `meanwhile` goes behind it. */
  async checkpoint({ commits = true, behind = 0 } = {}) {
    const before = this.open;
    this.open = [];
    const taken = await this.run.barrier(() => this.write(behind));
    this.run.complete(taken);
    this.safe.push(...before);
    if (!commits) return taken;
    await this.run.commit(taken);
    this.run.confirm(taken);
    return taken;
  }

  async crash(ofProcess: boolean, parallelism = this.parallelism): Promise<void> {
    this.open = [];
    await this.run.crash(ofProcess);
    await this.run.start(parallelism);
  }

  async finish(): Promise<void> {
    this.run.finish();
    await this.checkpoint();
    for (const { operator } of this.run.subtasks) await operator.close?.(false);
    this.run.subtasks = [];
  }

  /** A reader sees the records of complete checkpoints, each once, and no others. */
  async check(when: string): Promise<void> {
    if (this.run.failures.length > 0) broken(`the sink failed ${when}: ${messageOf(this.run.failures[0])}`);
    const seen = await this.tested.visible(this.run.released);
    sameMembers(seen, this.safe.map(this.record), `what a reader sees ${when}`);
  }
}

type SinkCase = (trial: SinkTrial) => Promise<void>;

const cases: Readonly<Record<string, SinkCase>> = {
  "shows nothing before it is committed": async (trial) => {
    await trial.run.start(trial.parallelism);
    await trial.check("before anything is written");
    trial.write(10);
    trial.run.rest();
    await trial.check("before any checkpoint");
    const before = await trial.run.barrier();
    await trial.check("between the barrier and the end of its checkpoint");
    trial.run.complete(before);
  },
  "shows with a checkpoint what was written before its barrier, and nothing behind it": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(10);
    await trial.checkpoint({ behind: 5 });
    await trial.check("when a checkpoint is committed");
    trial.write(3);
    await trial.checkpoint();
    await trial.check("when the next one is committed");
  },
  "shows what is left when the input ends, and nothing without any": async (trial) => {
    await trial.run.start(trial.parallelism);
    await trial.checkpoint();
    await trial.check("when an empty checkpoint is committed");
    trial.write(7);
    await trial.finish();
    await trial.check("at the end");
  },
  "names what it has written in plain JSON": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(4);
    const { committables, items } = await trial.checkpoint();
    for (const each of [...committables.map(({ committable }) => committable), ...items]) {
      same(JSON.parse(JSON.stringify(each)), each, "a committable or an item of state as JSON");
    }
  },
  "commits again without effect": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(6);
    const taken = await trial.checkpoint();
    await trial.run.commit(taken);
    await trial.run.commit(taken);
    await trial.check("when a checkpoint is committed three times");
    await trial.crash(true);
    await trial.check("when a new process commits it again");
  },
  "commits in a new process what a complete checkpoint names": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(6);
    await trial.checkpoint({ commits: false });
    trial.write(2);
    await trial.crash(true, 1);
    await trial.check("when another process goes on from a checkpoint that was not committed");
    trial.write(1);
    await trial.finish();
    await trial.check("at the end");
  },
  "commits the rest of what was committed in part": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(6);
    const taken = await trial.checkpoint({ commits: false });
    await trial.run.commit(taken, 1);
    await trial.crash(true);
    await trial.check("when another process goes on from a checkpoint that was committed in part");
  },
  "forgets what no checkpoint names": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(6);
    await trial.crash(false);
    trial.write(1);
    await trial.crash(true);
    await trial.check("after two crashes before the first checkpoint");
    trial.write(4);
    await trial.finish();
    await trial.check("at the end");
  },
  "keeps what was committed when the job fails for good, and nothing else": async (trial) => {
    await trial.run.start(trial.parallelism);
    trial.write(6);
    await trial.checkpoint();
    trial.write(3);
    await trial.run.barrier();
    await trial.run.crash(false);
    await trial.run.committer?.abort();
    await trial.check("when the job has been given up");
  },
};

/** Writes, checkpoints and crashes as the seed has it. */
async function playDrawn(trial: SinkTrial, random: Random): Promise<void> {
  const below = (limit: number) => random.u32() % limit;
  const width = () => 1 + below(trial.parallelism);
  await trial.run.start(width());
  for (let step = 4 + below(12); step > 0; step--) {
    const drawn = below(10);
    if (drawn < 4) trial.write(1 + below(5));
    else if (drawn < 5) trial.run.rest();
    else if (drawn < 7) await trial.checkpoint({ behind: below(3) });
    else if (drawn < 8) {
      // Aborted: what it named is named again by the next one.
      await trial.run.barrier();
    } else {
      if (below(2) === 0) await trial.checkpoint({ commits: false });
      await trial.crash(below(2) === 0, width());
    }
  }
  await trial.finish();
  await trial.check("at the end");
}

/**
 * The cases that every sink has to pass that gives each row once (`exactly-once`). `create` answers a sink with an
 * empty target, and is called for each case.
 *
 * @example
 * const create = () => ({ sink: mySink(table), visible: () => table.rows() });
 * for (const { name, run } of sinkContract(create, { record: (n) => ({ n }) })) it(name, run);
 */
export function sinkContract<T>(
  create: () => Promise<SinkUnderTest<T>> | SinkUnderTest<T>,
  options: SinkContractOptions<T>,
): ContractCase[] {
  const { runs = 25, limitMs = CASE_MS } = options;
  const on = async (work: (trial: SinkTrial) => Promise<void>) => {
    const tested = await create();
    try {
      holds(tested.sink.kind !== "", "the sink has no kind");
      const trial = new SinkTrial(tested, options);
      await work(trial);
      await trial.run.crash(true);
    } finally {
      await tested.dispose?.();
    }
  };
  const drawn = async () => {
    for (let seed = 1; seed <= runs; seed++) {
      try {
        await on((trial) => playDrawn(trial, seededRandom(seed)));
      } catch (error) {
        broken(`with the steps of seed ${seed}: ${messageOf(error)}`);
      }
    }
  };
  return [
    ...Object.entries(cases).map(([name, work]) =>
      contractCase(name, () => on((trial) => work(trial)), limitMs),
    ),
    contractCase("shows every record once, whatever is aborted or crashes", drawn, limitMs),
  ];
}
