/** Windows of the general kind: sessions per key and over all records, and windows that fire by their records. */
import { type } from "../../api/process-functions.js";
import { count, sum } from "../../operators/aggregates.js";
import { session, tumbling } from "../../time/windows.js";
import type { SimRecord } from "../replay-source.js";
import { allRecords, apart, differences, source, type Topology } from "./topology.js";

const GAP_MS = 60;
const BUCKET_MS = 120;
const BATCH = 3;

const keyOf = ({ key }: SimRecord): number => key;

/** Of records of one key, or of all. */
function sessionRows(key: number | undefined, records: readonly SimRecord[]): object[] {
  const rows: { key?: number; start: number; end: number; n: number; total: number }[] = [];
  for (const { time, value } of [...records].sort((left, right) => left.time - right.time)) {
    const last = rows.at(-1);
    if (last !== undefined && time <= last.end) {
      last.end = time + GAP_MS;
      last.n++;
      last.total += value;
    } else {
      const begun = { start: time, end: time + GAP_MS, n: 1, total: value };
      rows.push(key === undefined ? begun : { key, ...begun });
    }
  }
  return rows;
}

export const sessions: Topology = {
  name: "sessions",
  abilities: {},
  sinks: ["keyed", "all", "batches", "buckets"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = sessions.sources(kit.plan);
    const records = kit.source(a!);
    const aggregates = { n: count(), total: sum((record: SimRecord) => record.value) };
    const keyed = records
      .keyBy(keyOf)
      .window(session(GAP_MS))
      .aggregate(aggregates, ({ n, total }, { key, window: { start, end } }) => {
        kit.hook("element");
        return { key, start, end, n, total };
      });
    apart(kit, keyed).sink("keyed", kit.sink("keyed"));
    records
      .windowAll(session(GAP_MS))
      .aggregate(aggregates, ({ n, total }, { window: { start, end } }) => ({ start, end, n, total }))
      .sink("all", kit.sink("all"));
    records
      .keyBy(keyOf)
      .countWindow(BATCH)
      .aggregate({ n: count() }, ({ n }, { key }) => ({ key, n }))
      .sink("batches", kit.sink("batches"));
    records
      .keyBy(keyOf)
      .window(tumbling(BUCKET_MS), { allowedLateness: BUCKET_MS })
      .process("ids", {
        out: type<object>(),
        window: (held, { key, window, emit }) =>
          emit({ key, start: window.start, ids: held.map(({ id }) => id).sort() }),
      })
      .sink("buckets", kit.sink("buckets"));
  },
  check({ keyed, all, batches, buckets }, plan) {
    const records = allRecords(sessions, plan);
    const keys = [...new Set(records.map(keyOf))];
    const mine = (key: number) => records.filter((record) => record.key === key);
    const bucketRows = (key: number) => {
      const starts = [...new Set(mine(key).map(({ time }) => Math.floor(time / BUCKET_MS) * BUCKET_MS))];
      return starts.map((start) => {
        const inside = mine(key).filter(({ time }) => time >= start && time < start + BUCKET_MS);
        return { key, start, ids: inside.map(({ id }) => id).sort() };
      });
    };
    const full = (key: number) => Math.floor(mine(key).length / BATCH);
    return [
      ...differences(
        "sessions of keys",
        keyed!,
        keys.flatMap((key) => sessionRows(key, mine(key))),
      ),
      ...differences("sessions of all", all!, sessionRows(undefined, records)),
      ...differences(
        "batches",
        batches!,
        keys.flatMap((key) => Array.from({ length: full(key) }, () => ({ key, n: BATCH }))),
      ),
      ...differences("buckets", buckets!, keys.flatMap(bucketRows)),
    ];
  },
};
