import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import {
  blackholeSink,
  count,
  datagenSource,
  defineJob,
  type Environment,
  MillraceError,
  tumbling,
  watermarks,
} from "../../lib/index.js";
import { explainMermaid, explainTree } from "../../lib/planner/explain.js";
import { fingerprint } from "../../lib/planner/fingerprint.js";
import { type PlanOptions, plan } from "../../lib/planner/plan.js";

type Build = (env: Environment) => void;

function planned(build: Build, options: PlanOptions = { parallelism: 2 }) {
  return plan(buildProgram(defineJob("job", build), {}), options);
}

function vertices(build: Build, options?: PlanOptions): string[] {
  return planned(build, options).jobGraph.vertices.map(({ name, parallelism }) => `${name} x${parallelism}`);
}

const numbers = (env: Environment) => env.source("numbers", datagenSource({ count: 10, record: (i) => i }));

describe("planner", () => {
  it("chains what runs side by side", () => {
    const build: Build = (env) => {
      numbers(env)
        .map((n) => n, "one")
        .filter(() => true, "two")
        .sink("out", blackholeSink());
    };
    expect(vertices(build)).to.deep.equal(["numbers -> one -> two -> out x2"]);
    expect(vertices(build, { parallelism: 2, chaining: false })).to.have.lengthOf(4);
  });

  it("breaks chains as Flink does", () => {
    const broken: Record<string, Build> = {
      keyBy: (env) => {
        numbers(env)
          .keyBy((n) => n)
          .reduce((a) => a)
          .sink("out", blackholeSink());
      },
      rebalance: (env) => {
        numbers(env)
          .rebalance()
          .map((n) => n)
          .sink("out", blackholeSink());
      },
      parallelism: (env) => {
        numbers(env)
          .map((n) => n)
          .setParallelism(1)
          .sink("out", blackholeSink())
          .setParallelism(1);
      },
      slotSharingGroup: (env) => {
        numbers(env)
          .map((n) => n)
          .slotSharingGroup("other")
          .sink("out", blackholeSink());
      },
      startNewChain: (env) => {
        numbers(env)
          .map((n) => n)
          .startNewChain()
          .sink("out", blackholeSink());
      },
    };
    for (const [why, build] of Object.entries(broken)) expect(vertices(build), why).to.have.lengthOf(2);
    const never: Build = (env) => {
      numbers(env)
        .map((n) => n)
        .disableChaining()
        .sink("out", blackholeSink());
    };
    expect(vertices(never)).to.have.lengthOf(3);
    const union: Build = (env) => {
      const stream = numbers(env);
      stream
        .map((n) => n, "a")
        .union(stream.map((n) => n, "b"))
        .map((n) => n, "both")
        .sink("out", blackholeSink());
    };
    expect(vertices(union)).to.have.lengthOf(2);
  });

  it("combines locally before records cross threads, and only then", () => {
    const build: Build = (env) => {
      env
        .source("numbers", datagenSource({ count: 10, record: (i) => i }), {
          watermarks: watermarks.monotonous((n) => n),
        })
        .keyBy((n) => n)
        .window(tumbling("1s"))
        .aggregate({ n: count() })
        .sink("out", blackholeSink());
    };
    expect(vertices(build).join()).to.include("(local)");
    expect(vertices(build, { parallelism: 1 }).join()).to.not.include("(local)");
    expect(vertices(build, { parallelism: 2, localCombine: false }).join()).to.not.include("(local)");
  });

  it("gives the same uids, graph and fingerprint to the same program", () => {
    const build: Build = (env) => {
      numbers(env)
        .map((n) => n)
        .map((n) => n)
        .uid("mine")
        .sink("out", blackholeSink());
    };
    const [one, two] = [planned(build), planned(build)];
    expect(one.jobGraph).to.deep.equal(two.jobGraph);
    expect(one.jobGraph.vertices[0]!.operators.map(({ uid }) => uid)).to.deep.equal([
      "numbers",
      "map",
      "mine",
      "out",
    ]);
    expect(fingerprint(one, {})).to.equal(fingerprint(two, {}));
    expect(fingerprint(one, { a: 1 })).to.not.equal(fingerprint(two, {}));
    const other: Build = (env) => {
      numbers(env)
        .map((n) => n + 1)
        .map((n) => n)
        .uid("mine")
        .sink("out", blackholeSink());
    };
    expect(fingerprint(planned(other), {})).to.not.equal(fingerprint(one, {}));
  });

  it("has the same edges at any parallelism where a job may be rescaled", () => {
    const build: Build = (env) => {
      numbers(env)
        .keyBy((n) => n)
        .reduce((a) => a)
        .setParallelism(1)
        .flatMap((n) => [n])
        .filter(() => true)
        .sink("out", blackholeSink());
    };
    const edges = (parallelism: number, rescalable: boolean) =>
      planned(build, { parallelism, rescalable }).jobGraph.edges.map(({ partitioner }) => partitioner);
    expect(edges(3, true)).to.deep.equal(["hash", "rebalance"]);
    expect(edges(1, true)).to.deep.equal(edges(3, true));
    expect(edges(1, false)).to.deep.equal(["hash"]);
  });

  it("refuses parallelism beyond the key groups", () => {
    const build: Build = (env) => {
      numbers(env)
        .keyBy((n) => n)
        .reduce((a) => a)
        .setMaxParallelism(4)
        .sink("out", blackholeSink());
    };
    expect(() => planned(build, { parallelism: 8 }))
      .to.throw(MillraceError)
      .with.property("code", "PARALLELISM_INVALID");
  });

  it("explains plans as a tree and as a diagram", () => {
    const build: Build = (env) => {
      numbers(env)
        .keyBy((n) => n)
        .reduce((a) => a)
        .sink("out", blackholeSink());
    };
    const { jobGraph } = planned(build);
    expect(explainTree(jobGraph)).to.include("numbers").and.include("reduce").and.include("hash");
    expect(explainMermaid(jobGraph)).to.match(/^(flowchart|graph) /);
  });
});
