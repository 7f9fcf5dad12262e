/**
 * Nexmark queries against the loop written by hand: interleaved in one process, threads alive between runs,
 * medians of pairwise ratios. Answers are checked against the oracle in untimed runs.
 */
import { openSession, type Session } from "../../lib/index.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import { Report } from "../report.js";
import { type Answer, answerOf, type Expected, expectedAnswers } from "./answers.js";
import { generateOnly, handLoops } from "./hand-loops.js";
import type { NexmarkParams } from "./job.js";

export interface NexmarkSuiteOptions {
  readonly queries: readonly string[];
  readonly events: number;
  readonly parallelism: readonly number[];
  readonly pairs: number;
  readonly rate: number;
  readonly json: boolean;
}

const JOB = new URL("./job.js", import.meta.url);

export async function nexmark(options: NexmarkSuiteOptions): Promise<void> {
  const report = new Report(options.json);
  await using session = openSession();
  const expected = await expectedAnswers(options.queries, options.events, options.rate);
  for (const query of options.queries) {
    const answers: Answer[] = [];
    for (const parallelism of options.parallelism)
      answers.push(await answer(session, query, parallelism, expected, options));
    const runs = await timed(session, query, options);
    options.parallelism.forEach((parallelism, i) => {
      report.row(rowOf(query, parallelism, options, runs, i, answers[i]!));
    });
  }
}

async function answer(
  session: Session,
  query: string,
  parallelism: number,
  expected: Expected,
  { events, rate }: NexmarkSuiteOptions,
): Promise<Answer> {
  const params: NexmarkParams = { query, events, rate, sink: "digest" };
  const job = await session.run(JOB, { parallelism, params: { ...params } });
  return answerOf(query, job, expected);
}

interface Runs {
  readonly generator: Measured[];
  readonly hand: Measured[];
  /** By place in the list of parallelisms. */
  readonly engine: Measured[][];
}

async function timed(session: Session, query: string, options: NexmarkSuiteOptions): Promise<Runs> {
  const { events, rate, parallelism, pairs } = options;
  const runs: Runs = { generator: [], hand: [], engine: parallelism.map(() => []) };
  let last: unknown;
  const params: NexmarkParams = { query, events, rate, sink: "blackhole" };
  for (let pair = -1; pair < pairs; pair++) {
    const generator = await measure(() => generateOnly(events, rate));
    const hand = await measure(() => {
      handLoops[query]!(events, rate, (row) => {
        last = row;
      });
    });
    if (pair >= 0) {
      runs.generator.push(generator);
      runs.hand.push(hand);
    }
    for (const [i, each] of parallelism.entries()) {
      const engine = await measure(async () => {
        const job = await session.run(JOB, { parallelism: each, params: { ...params } });
        await job.completed;
      });
      if (pair >= 0) runs.engine[i]!.push(engine);
    }
  }
  if (last === undefined) throw new Error(`the hand loop of ${query} gave no row`);
  return runs;
}

function rowOf(
  query: string,
  parallelism: number,
  { events }: NexmarkSuiteOptions,
  { generator, hand, engine }: Runs,
  at: number,
  { digest, isRight }: Answer,
) {
  const runs = engine[at]!;
  const perEvent = (ms: number) => (ms * 1e6) / events;
  const perSecond = (of: readonly Measured[]) => median(of.map(({ wallMs }) => (events / wallMs) * 1000));
  const own = generator.map(({ cpuMs }) => cpuMs);
  const net = (of: readonly Measured[]) => median(of.map(({ cpuMs }, i) => perEvent(cpuMs - own[i]!)));
  return {
    suite: "nexmark",
    query,
    api: "datastream",
    parallelism,
    events,
    eventsPerSecond: Math.round(perSecond(runs)),
    cpuNsPerEvent: rounded(median(runs.map(({ cpuMs }) => perEvent(cpuMs))), 1),
    netNsPerEvent: rounded(net(runs), 1),
    handLoopEventsPerSecond: Math.round(perSecond(hand)),
    handLoopNetNsPerEvent: rounded(net(hand), 1),
    ratioToHandLoop: rounded(median(runs.map(({ wallMs }, i) => hand[i]!.wallMs / wallMs))),
    ratioToFirstParallelism: rounded(median(runs.map(({ wallMs }, i) => engine[0]![i]!.wallMs / wallMs))),
    generatorNsPerEvent: rounded(median(own.map(perEvent)), 1),
    addedToGenerator: rounded(median(runs.map(({ cpuMs }, i) => (cpuMs - hand[i]!.cpuMs) / own[i]!))),
    digest: digest.sum,
    digestOk: isRight,
  };
}
