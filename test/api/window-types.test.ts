/** What the compiler knows of windows: inference is part of the surface. Compiled is tested; the graph is looked at. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import {
  blackholeSink,
  count,
  type DataStream,
  defineJob,
  type Environment,
  evictors,
  globalWindows,
  iterableSource,
  type Operator,
  type OwnWindows,
  session,
  sideOutput,
  sliding,
  sum,
  type Trigger,
  triggers,
  tumbling,
  type,
  value,
} from "../../lib/index.js";

interface Visit {
  readonly user: string;
  readonly ms: number;
}

/** Compiles if, and only if, the stream has just this type. */
function has<T>(stream: Operator<T>): void {
  stream.sink(`sink ${sinks++}`, blackholeSink());
}
let sinks = 0;

const late = sideOutput<Visit>("late");

const days: OwnWindows<Visit> = {
  name: "days",
  assignWindows(visit, timestamp, ctx) {
    const start = Math.floor(timestamp / 86_400_000) * 86_400_000;
    const known: number = ctx.processingTime() + ctx.watermark + visit.ms;
    return known < 0 ? [] : [{ start, end: start + 86_400_000 }];
  },
};

const onLong: Trigger<Visit, number> = {
  name: "long",
  element: (visit, ctx) => {
    ctx.state.update((ctx.state.get() ?? 0) + visit.ms);
    return visit.ms > 1000 ? "fireAndPurge" : undefined;
  },
};

function build(env: Environment): void {
  const visits = env.source(
    "visits",
    iterableSource<Visit>(() => []),
  );
  const perUser = visits.keyBy((visit) => visit.user);
  has<{ key: string; windowStart: number; windowEnd: number; n: number }>(
    perUser.window(session("30m")).aggregate({ n: count() }),
  );
  has<[string, number]>(
    perUser
      .window(session((visit) => visit.ms))
      .aggregate({ total: sum((visit) => visit.ms) }, ({ total }, { key }): [string, number] => [key, total]),
  );
  has<string>(
    perUser.window(tumbling("1m"), { allowedLateness: "1s", lateData: late }).aggregate(
      { total: sum((visit) => visit.ms) },
      {
        out: type<string>(),
        state: { fired: value<number>() },
        windowState: { last: value<number>() },
        window({ total }, ctx) {
          const last: number | undefined = ctx.windowState.last.get();
          ctx.windowState.last.update(total);
          ctx.state.fired.update((ctx.state.fired.get() ?? 0) + 1);
          ctx.emit(`${ctx.key.toUpperCase()} ${total - (last ?? 0)} ${ctx.window.end}`);
          // @ts-expect-error: text, not a number
          ctx.emit(total);
        },
      },
    ),
  );
  has<Visit>(perUser.window(sliding({ size: "1m", slide: "1s" })).reduce((left) => left));
  has<number>(
    perUser.countWindow(10).reduce(
      (left) => left,
      (visit, { key }) => visit.ms + key.length,
    ),
  );
  has<number>(
    visits.countWindowAll(10, 5).reduce((left) => left, {
      out: type<number>(),
      window: (visit, ctx) => ctx.emit(visit.ms, ctx.window.start),
    }),
  );
  has<number>(
    visits
      .windowAll(globalWindows(), {
        trigger: triggers.purging(triggers.delta(10, (from: Visit, to) => to.ms - from.ms)),
        evictor: evictors.delta(5, (from: Visit, to) => from.ms - to.ms),
      })
      .process("longest", {
        out: type<number>(),
        window: (records, ctx) => ctx.emit(Math.max(...records.map((visit) => visit.ms))),
      }),
  );
  has<string>(
    perUser.window(days).reduce(
      (left) => left,
      (visit, { window }) => `${visit.user} ${window.start}`,
    ),
  );
  perUser.window(session("1m"), {
    trigger: triggers.processingTimeout(triggers.count(10), "5s", { resetTimerOnNewRecord: true }),
  });
  has<Visit[]>(visits.batchBy({ size: 10 }));
  has<Visit>(visits.dedupe((visit) => visit.user));
  // @ts-expect-error: nothing says what is the same
  if (sinks < 0) visits.dedupe();
  has<Visit>(perUser.window(globalWindows(), { trigger: onLong }).topN(3, { by: (visit) => visit.ms }));
}

interface Buy {
  readonly by: string;
  readonly price: number;
}

const missed = sideOutput<Visit | Buy>("missed");

function buildPairs(env: Environment): void {
  const visits = env.source(
    "visits",
    iterableSource<Visit>(() => []),
  );
  const buys = env.source(
    "buys",
    iterableSource<Buy>(() => []),
  );
  const joined = visits
    .join(buys)
    .on(
      (visit) => visit.user,
      (buy) => buy.by,
    )
    .window(tumbling("1m"), { allowedLateness: "5s", lateData: missed })
    .apply((visit, buy, { key, window }) => ({ ...visit, ...buy, user: key.toUpperCase(), at: window.end }));
  has<{ user: string; at: number; ms: number; by: string; price: number }>(joined);
  const late: DataStream<Visit | Buy> = joined.side(missed);
  late.sink("missed", blackholeSink());
  has<number>(
    visits
      .keyBy((visit) => visit.user)
      .coGroup(buys.keyBy((buy) => buy.by))
      .window(
        session((record) => ("ms" in record ? record.ms : "1m")),
        { evictor: evictors.count(10) },
      )
      .apply(function* (seen, bought) {
        for (const { ms } of seen) yield ms;
        for (const { price } of bought) yield price;
      }, "sums"),
  );
  visits.join(buys).on(
    (visit) => visit.user,
    // @ts-expect-error: a number is never a user
    (buy) => buy.price,
  );
  // @ts-expect-error: keys of two kinds
  visits.keyBy((visit) => visit.user).join(buys.keyBy((buy) => buy.price));
  visits
    .join(buys)
    .on(
      (visit) => visit.ms,
      (buy) => buy.price,
    )
    .window(tumbling("1m"))
    // @ts-expect-error: a join makes a record of a pair, it is not given lists
    .apply((seen, bought) => seen.length + bought.length)
    .sink("lists", blackholeSink());
}

describe("windows and the compiler", () => {
  it("infer both sides of joins and co-groups", () => {
    const { graph } = buildProgram(defineJob("pairs", buildPairs), {});
    const met = graph.operators.filter(({ kind }) => kind === "window-join" || kind === "co-group");
    expect(met.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ["join", "window-join"],
      ["sums", "co-group"],
      ["join", "window-join"],
    ]);
    expect(met[0]!.config).to.deep.include({ allowedLatenessMs: 5000, lateData: "missed" });
    const inputs = graph.edges.filter(({ to }) => to === met[0]!.uid);
    expect(inputs.map(({ partitioner, input }) => [partitioner, input])).to.deep.equal([
      ["hash", undefined],
      ["hash", 1],
    ]);
  });

  it("infer records, keys, state and results", () => {
    const program = buildProgram(defineJob("types", build), {});
    const windows = program.graph.operators.filter(({ kind }) => kind === "window");
    expect(windows.map(({ config }) => config["trigger"] ?? "plain")).to.deep.equal([
      "plain",
      "plain",
      "event time",
      "plain",
      "count 10, purging",
      "count 5",
      "delta 10, purging",
      "event time",
      "long",
    ]);
    expect(windows.map(({ config }) => config["evictor"])).to.include.members(["count 10", "delta 5"]);
    expect(windows[2]!.config).to.deep.include({ allowedLatenessMs: 1000, lateData: "late" });
    expect(windows[1]!.config["window"]).to.deep.equal({ kind: "session", gap: "by record" });
  });
});
