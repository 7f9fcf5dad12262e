/** What measuring, announcing and obeying limits costs an exchange that nothing holds up. */
import type { RunOptions, Session } from "../../lib/index.js";
import { kinds } from "../exchange/records.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import type { Row } from "../report.js";
import type { ExchangeParams } from "./exchange-job.js";

const JOB = new URL("./exchange-job.js", import.meta.url);
const KINDS = ["bid", "small"];
/** Times the records of the exchange benchmark: a job has more to start than a ring. */
const TIMES = 3;

export async function cost(session: Session, pairs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of KINDS) {
    const records = kinds[kind]!.records * TIMES;
    const params: ExchangeParams = { kind, records };
    const one = (debloat: NonNullable<RunOptions["debloat"]>) =>
      measure(async () => {
        const job = await session.run(JOB, { parallelism: 1, params: { ...params }, debloat });
        await job.completed;
      });
    const [on, off]: [Measured[], Measured[]] = [[], []];
    // The first pair compiles the code.
    for (let pair = -1; pair < pairs; pair++) {
      // Each goes first in turn: whatever the first run of a pair finds is not always the same side's.
      const sides = [async () => on.push(await one({})), async () => off.push(await one(false))];
      for (const side of pair % 2 === 0 ? sides : sides.reverse()) await side();
      if (pair < 0) for (const side of [on, off]) side.length = 0;
    }
    const nsPerRecord = (runs: readonly Measured[]) =>
      (median(runs.map(({ cpuMs }) => cpuMs)) * 1e6) / records;
    const ratios = (of: (run: Measured) => number) => median(on.map((run, i) => of(run) / of(off[i]!)));
    rows.push({
      suite: "debloat",
      row: "cost",
      kind,
      records,
      pairs,
      cpuNsPerRecordOff: rounded(nsPerRecord(off), 1),
      cpuNsPerRecord: rounded(nsPerRecord(on), 1),
      cpuRatio: rounded(
        ratios(({ cpuMs }) => cpuMs),
        3,
      ),
      wallRatio: rounded(
        ratios(({ wallMs }) => wallMs),
        3,
      ),
    });
  }
  return rows;
}
