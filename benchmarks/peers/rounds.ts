/** Cases measured in turn, A B C A B C ..., so that whatever disturbs the machine strikes all alike. */
import { Bench } from "tinybench";
import type { Measured } from "../measure.js";

export interface Contestant {
  readonly name: string;
  /** One measured run. */
  run(): Promise<unknown>;
}

/** Every contestant's runs, by its name. */
export async function interleaved(
  contestants: readonly Contestant[],
  rounds: number,
): Promise<Map<string, Measured[]>> {
  const runs = new Map(contestants.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measured] of await oneRound(contestants)) runs.get(name)!.push(measured);
  }
  return runs;
}

/** CPU counts every thread of the process, collector and compiler included. */
async function oneRound(contestants: readonly Contestant[]): Promise<[string, Measured][]> {
  const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
  const cpuMs = new Map<string, number>();
  for (const contestant of contestants) {
    let before = process.cpuUsage();
    bench.add(contestant.name, () => contestant.run(), {
      async: true,
      beforeEach() {
        before = process.cpuUsage();
      },
      afterEach() {
        const { user, system } = process.cpuUsage(before);
        cpuMs.set(contestant.name, (user + system) / 1000);
      },
    });
  }
  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== "completed") throw new Error(`${name} is ${result.state}`);
    return [name, { wallMs: result.latency.mean, cpuMs: cpuMs.get(name)! }];
  });
}
