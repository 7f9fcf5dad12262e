/** Running aggregates of one field, projections, and queues of one line, driven by hand. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import {
  batchFunctions,
  debounceFunctions,
  dedupeFunctions,
  throttleFunctions,
} from "../../lib/api/queue-functions.js";
import { collectSink, datagenSource, MillraceError } from "../../lib/index.js";
import { keyedProcessLogic } from "../../lib/operators/keyed-process.js";
import { type FieldAggregate, fieldCombine } from "../../lib/operators/running-fields.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";

const trialOf = (functions: any) =>
  new OperatorTrial(() => keyedProcessLogic({ key: (r: any) => r.k, state: functions.state, functions }));

describe("running aggregates of a field", () => {
  const records = [
    { id: 1, v: 5 },
    { id: 2, v: 3 },
    { id: 3, v: 3 },
    { id: 4, v: 7 },
    { id: 5, v: 7 },
  ];
  for (const [kind, ties, expected] of [
    [
      "sum",
      "first",
      [
        [1, 5],
        [1, 8],
        [1, 11],
        [1, 18],
        [1, 25],
      ],
    ],
    [
      "min",
      "first",
      [
        [1, 5],
        [1, 3],
        [1, 3],
        [1, 3],
        [1, 3],
      ],
    ],
    [
      "max",
      "first",
      [
        [1, 5],
        [1, 5],
        [1, 5],
        [1, 7],
        [1, 7],
      ],
    ],
    [
      "minBy",
      "first",
      [
        [1, 5],
        [2, 3],
        [2, 3],
        [2, 3],
        [2, 3],
      ],
    ],
    [
      "minBy",
      "last",
      [
        [1, 5],
        [2, 3],
        [3, 3],
        [3, 3],
        [3, 3],
      ],
    ],
    [
      "maxBy",
      "first",
      [
        [1, 5],
        [1, 5],
        [1, 5],
        [4, 7],
        [4, 7],
      ],
    ],
    [
      "maxBy",
      "last",
      [
        [1, 5],
        [1, 5],
        [1, 5],
        [4, 7],
        [5, 7],
      ],
    ],
  ] as const) {
    it(`${kind}, ${ties} of equal ones`, () => {
      const combine = fieldCombine(kind as FieldAggregate, "v", ties);
      let so: any;
      const rows = records.map((record) => {
        so = so === undefined ? record : combine(so, record);
        return [so.id, so.v];
      });
      expect(rows).to.deep.equal(expected);
      expect(records[0]).to.deep.equal({ id: 1, v: 5 });
    });
  }

  it("refuses texts in a sum, and loops of streams", () => {
    const sum = () => fieldCombine("sum", "v")({ v: 1 }, { v: "2" });
    expect(sum).to.throw(MillraceError).with.property("code", "AGGREGATE_NOT_NUMBER");
    const build = (env: any) => env.source("s", datagenSource({ count: 1, record: () => ({}) })).iterate();
    expect(() => buildProgram({ name: "loop", build }, {}))
      .to.throw(MillraceError)
      .with.property("code", "GRAPH_CYCLE");
  });
});

describe("queues of one line", () => {
  const give = (trial: OperatorTrial, k: number, id: number, t: number) => trial.push({ k, id }, t);
  const ids = (trial: OperatorTrial) => trial.take().map((row: any) => row.id);

  it("debounce gives the last record once it is quiet, and keeps nothing", () => {
    const trial = trialOf(debounceFunctions(10, {}));
    give(trial, 1, 1, 0);
    give(trial, 1, 2, 8);
    give(trial, 1, 3, 5);
    trial.advanceWatermark(17);
    expect(ids(trial)).to.deep.equal([]);
    trial.advanceWatermark(18);
    expect([ids(trial), trial.plain.entries]).to.deep.equal([[2], 0]);
  });

  it("throttle gives the first of each interval", () => {
    const trial = trialOf(throttleFunctions(10, { limit: 2 }));
    [0, 1, 2, 9, 10, 11, 12].forEach((t) => {
      give(trial, 1, t, t);
    });
    expect(ids(trial)).to.deep.equal([0, 1, 10, 11]);
    trial.advanceWatermark(20);
    expect(trial.plain.entries).to.equal(0);
  });

  it("batchBy gives by size, by time and at the end", () => {
    const trial = trialOf(batchFunctions({ size: 2, time: 10 }));
    const batches = () => trial.take().map((rows: any) => rows.map((row: any) => row.id));
    for (const id of [1, 2, 3]) give(trial, 1, id, id);
    expect(batches()).to.deep.equal([[1, 2]]);
    trial.setClock(10);
    expect(batches()).to.deep.equal([[3]]);
    give(trial, 1, 4, 4);
    trial.advanceWatermark(Number.POSITIVE_INFINITY);
    expect([batches(), trial.plain.entries]).to.deep.equal([[[4]], 0]);
  });

  it("dedupe gives the first of a key, or of an id within it, until its time is over", () => {
    const trial = trialOf(dedupeFunctions(undefined, { ttl: 100 }));
    for (const [k, id] of [
      [1, 1],
      [1, 2],
      [2, 3],
    ] as const)
      give(trial, k, id, 0);
    trial.setClock(200);
    give(trial, 1, 4, 0);
    expect(ids(trial)).to.deep.equal([1, 3, 4]);
    const byId = trialOf(dedupeFunctions((r: any) => r.id, {}));
    for (const id of [1, 2, 1, 2, 3]) give(byId, 1, id, 0);
    expect(ids(byId)).to.deep.equal([1, 2, 3]);
  });

  it("refuse options that cannot be", () => {
    for (const make of [
      () => debounceFunctions(0, {}),
      () => throttleFunctions(1, { limit: 0 }),
      () => batchFunctions({}),
      () => batchFunctions({ size: 0 }),
      () => debounceFunctions(1, { by: "moon" as never }),
    ]) {
      expect(make).to.throw(MillraceError).with.property("code", "OPTION_INVALID");
    }
  });

  it("are methods of keyed streams", () => {
    const build = (env: any) => {
      const keyed = env
        .source("s", datagenSource({ count: 1, record: () => ({ k: 1, v: 2 }) }))
        .project("k", "v")
        .keyBy((r: any) => r.k);
      const made = [
        keyed.sum("v"),
        keyed.minBy("v"),
        keyed.debounce(1),
        keyed.throttle(1),
        keyed.batchBy({ size: 1 }),
      ];
      for (const [i, each] of [...made, keyed.dedupe()].entries()) each.sink(`${i}`, collectSink());
    };
    const { graph } = buildProgram({ name: "lines", build }, {});
    const names = graph.operators
      .filter(({ kind }) => kind === "process" || kind === "reduce")
      .map(({ name }) => name);
    expect(names).to.deep.equal(["sum v", "minBy v", "debounce", "throttle", "batch", "dedupe"]);
  });
});
