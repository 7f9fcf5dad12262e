import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import { blackholeSink, datagenSource, defineJob, type Environment, MillraceError } from "../../lib/index.js";
import { plan } from "../../lib/planner/plan.js";

const numbers = (env: Environment, name: string) =>
  env.source(name, datagenSource({ count: 1, record: (n) => n }));

function groupsOf(build: (env: Environment) => void): Record<string, string> {
  const { graph } = buildProgram(defineJob("job", build), {});
  return Object.fromEntries(graph.operators.map(({ name, slotSharingGroup }) => [name, slotSharingGroup]));
}

function refusalOf(build: (env: Environment) => void): string {
  try {
    buildProgram(defineJob("job", build), {});
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
  return "nothing";
}

describe("slot sharing groups of operators", () => {
  it("are those of their inputs where all agree, else the default", () => {
    const groups = groupsOf((env) => {
      const a = numbers(env, "a").slotSharingGroup("one");
      const b = numbers(env, "b").slotSharingGroup("one");
      const c = numbers(env, "c").slotSharingGroup("two");
      a.union(b)
        .map((n) => n, "agreed")
        .sink("agreed sink", blackholeSink());
      a.union(c)
        .map((n) => n, "mixed")
        .sink("mixed sink", blackholeSink());
      c.map((n) => n, "own")
        .slotSharingGroup("three")
        .sink("own sink", blackholeSink());
    });
    expect(groups).to.include({
      agreed: "one",
      "agreed sink": "one",
      mixed: "default",
      "mixed sink": "default",
      own: "three",
      "own sink": "three",
    });
  });

  it("are told with a source, too", () => {
    const groups = groupsOf((env) => {
      const source = datagenSource({ count: 1, record: (n) => n });
      env.source("a", source, { slotSharingGroup: "given" }).sink("out", blackholeSink());
    });
    expect(groups).to.deep.equal({ a: "given", out: "given" });
  });

  it("are inherited also when the input is told later", () => {
    const groups = groupsOf((env) => {
      const a = numbers(env, "a");
      a.sink("out", blackholeSink());
      a.slotSharingGroup("late");
    });
    expect(groups).to.deep.equal({ a: "late", out: "late" });
  });

  it("bring their profiles into the plan, given with the operator or registered", () => {
    const build = (env: Environment) => {
      env.registerSlotSharingGroup({ name: "light", cpu: 0.25, heapMb: 64 });
      env.registerSlotSharingGroup({ name: "unused", cpu: 1, heapMb: 64 });
      numbers(env, "a")
        .slotSharingGroup("light")
        .map((n) => n, "heavy")
        .slotSharingGroup({ name: "heavy", cpu: 1, heapMb: 512, exclusive: true })
        .sink("out", blackholeSink());
    };
    const { jobGraph } = plan(buildProgram(defineJob("job", build), {}), { parallelism: 1 });
    expect(Object.keys(jobGraph.groups!)).to.have.members(["light", "heavy"]);
    expect(jobGraph.groups!["light"]!.profile).to.include({ cpu: 0.25, heapMb: 64 });
    expect(jobGraph.groups!["heavy"]).to.have.property("exclusive", true);
    expect(jobGraph.vertices.map(({ slotSharingGroup }) => slotSharingGroup)).to.deep.equal([
      "light",
      "heavy",
    ]);
  });

  it("refuse two profiles of one name", () => {
    const twice = (second: { cpu?: number; heapMb?: number; exclusive?: boolean }) =>
      refusalOf((env) => {
        env.registerSlotSharingGroup({ name: "g", cpu: 0.5, heapMb: 64 });
        numbers(env, "a")
          .slotSharingGroup({ name: "g", ...second })
          .sink("out", blackholeSink());
      });
    expect(twice({ cpu: 0.5, heapMb: 64 })).to.equal("nothing");
    expect(twice({ cpu: 0.5, heapMb: 65 })).to.equal("RESOURCES_INVALID");
    expect(twice({ cpu: 0.5, heapMb: 64, exclusive: true })).to.equal("RESOURCES_INVALID");
    expect(twice({})).to.equal("RESOURCES_INVALID");
  });
});
