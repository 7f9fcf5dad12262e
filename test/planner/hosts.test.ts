/** The cases of Flink's DefaultResourceAllocationStrategy and of the example in FLIP-56, with hosts for workers. */
import { expect } from "chai";
import fc from "fast-check";
import { buildProgram } from "../../lib/api/environment.js";
import type { JobGraph } from "../../lib/graph/job-graph.js";
import {
  blackholeSink,
  datagenSource,
  defineJob,
  MillraceError,
  type SlotSharingGroup,
} from "../../lib/index.js";
import { explainTree } from "../../lib/planner/explain.js";
import { BOUNDLESS, type Machine, planHosts, shareOf } from "../../lib/planner/hosts.js";
import { plan } from "../../lib/planner/plan.js";

/** A job whose n-th operator is in the n-th group, with so many subtasks. */
function graphOf(...groups: [group: SlotSharingGroup, parallelism: number][]): JobGraph {
  const job = defineJob("job", (env) => {
    for (const [i, [group, parallelism]] of groups.entries()) {
      const source = env.source(`source ${i}`, datagenSource({ count: 1, record: (n) => n }));
      source.setParallelism(parallelism).slotSharingGroup(group);
      source.sink(`sink ${i}`, blackholeSink()).setParallelism(parallelism);
    }
  });
  return plan(buildProgram(job, {}), { parallelism: 1 }).jobGraph;
}

const machine = (cpu: number, memoryMb: number, external = {}): Machine => ({ cpu, memoryMb, external });
const slotsOf = (graph: JobGraph, of: Machine) => planHosts(graph, of).hosts.map(({ slots }) => slots);

function refusal(graph: JobGraph, of: Machine): string {
  try {
    planHosts(graph, of);
  } catch (error) {
    if (MillraceError.is(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("hosts for slots", () => {
  it("are one for each slot without profile", () => {
    const graph = graphOf([{ name: "a" }, 2], [{ name: "b" }, 3]);
    expect(slotsOf(graph, machine(1, 64))).to.deep.equal([[0], [1], [2], [3], [4]]);
    expect(planHosts(graph, machine(1, 64)).hosts[0]).to.deep.equal({ slots: [0] });
  });

  it("go to the first one with enough of its core left, then to new ones, packed as full as possible", () => {
    const graph = graphOf(
      [{ name: "half", cpu: 0.5, heapMb: 64 }, 1],
      [{ name: "most", cpu: 0.75, heapMb: 64 }, 2],
      [{ name: "quarter", cpu: 0.25, heapMb: 64 }, 4],
    );
    expect(slotsOf(graph, machine(4, 1024))).to.deep.equal([
      [0, 3, 4],
      [1, 5],
      [2, 6],
    ]);
    const planned = planHosts(graph, BOUNDLESS);
    expect(planned.hosts[0]!.profile).to.include({ cpu: 1, heapMb: 192 });
    expect([0, 1, 3, 5].map((slot) => shareOf(slot, planned))).to.deep.equal([0.5, 0.75, 0.25, 0.25]);
  });

  it("fill up with shares whose sum is off by rounding", () => {
    expect(slotsOf(graphOf([{ name: "tenths", cpu: 0.1, heapMb: 16 }, 20]), machine(2, 512))).to.deep.equal([
      Array.from({ length: 10 }, (_, i) => i),
      Array.from({ length: 10 }, (_, i) => i + 10),
    ]);
  });

  it("are a group's own where it is exclusive or has whole cores", () => {
    const graph = graphOf(
      [{ name: "light", cpu: 0.25, heapMb: 64 }, 1],
      [{ name: "alone", cpu: 0.25, heapMb: 64, exclusive: true }, 2],
      [{ name: "whole", cpu: 1, heapMb: 64 }, 1],
      [{ name: "two", cpu: 2, heapMb: 64 }, 1],
      [{ name: "more", cpu: 0.25, heapMb: 64 }, 1],
    );
    expect(slotsOf(graph, machine(4, 1024))).to.deep.equal([[0, 5], [1, 2], [3], [4]]);
  });

  it("leave default slots an equal part of the machine, at most what profiles leave", () => {
    const graph = graphOf([{ name: "quarter", cpu: 0.25, heapMb: 1024 }, 1], [{ name: "default" }, 2]);
    expect(planHosts(graph, machine(1, 4096)).hosts).to.deep.equal([
      { slots: [0], profile: planHosts(graph, BOUNDLESS).hosts[0]!.profile },
      { slots: [1], memoryMaxMb: 1536 },
      { slots: [2], memoryMaxMb: 1536 },
    ]);
    const wide = graphOf([{ name: "quarter", cpu: 0.25, heapMb: 1024 }, 2], [{ name: "default" }, 1]);
    expect(planHosts(wide, machine(1, 4096)).hosts.at(-1)).to.deep.equal({ slots: [2], memoryMaxMb: 2048 });
    const full = graphOf([{ name: "all", cpu: 1, heapMb: 4090 }, 1], [{ name: "default" }, 1]);
    expect(refusal(full, machine(1, 4096))).to.include("6 MiB left for 1 slots without profile");
  });

  it("waste what a core has left, but no memory", () => {
    const graph = graphOf([{ name: "big", cpu: 0.75, heapMb: 3072 }, 2]);
    expect(slotsOf(graph, machine(2, 8192))).to.deep.equal([[0], [1]]);
    expect(refusal(graph, machine(2, 4096))).to.equal(
      'RESOURCES_UNFULFILLABLE: 2 x "big" (0.75 cpu, 3072 MiB heap) take 1.5 cpu, 6144 MiB memory; ' +
        "the machine has 2 cpu, 4096 MiB memory",
    );
  });

  it("run every slot once, and no more than a core's worth of shares", () => {
    const group = fc.record({
      cpu: fc.integer({ min: 1, max: 24 }).map((n) => n / 16),
      parallelism: fc.integer({ min: 1, max: 5 }),
      exclusive: fc.boolean(),
      known: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 6 }), (given) => {
        const graph = graphOf(
          ...given.map(({ cpu, parallelism, exclusive, known }, i): [SlotSharingGroup, number] => [
            { name: `g${i}`, exclusive, ...(known ? { cpu, heapMb: 64 } : {}) },
            parallelism,
          ]),
        );
        const { slots, hosts } = planHosts(graph, BOUNDLESS);
        const all = hosts.flatMap((host) => host.slots);
        expect(all.sort((a, b) => a - b)).to.deep.equal(slots.map((_, slot) => slot));
        for (const host of hosts) {
          const groups = new Set(host.slots.map((slot) => slots[slot]!.group));
          const cpu = host.slots.reduce((sum, slot) => sum + (slots[slot]!.profile?.cpu ?? 1), 0);
          if (host.slots.length > 1) expect(cpu).to.be.at.most(1);
          if (host.exclusive !== undefined) expect([...groups]).to.deep.equal([host.exclusive]);
          expect(host.profile?.heapMb ?? 64).to.equal(64 * host.slots.length);
        }
      }),
    );
  });

  it("are part of a plan that is explained", () => {
    const graph = graphOf(
      [{ name: "light", cpu: 0.25, heapMb: 64 }, 2],
      [{ name: "heavy", cpu: 1, heapMb: 512, exclusive: true, external: { gpu: 1 } }, 1],
      [{ name: "rest" }, 1],
    );
    const tree = explainTree(graph, planHosts(graph, machine(2, 1024, { gpu: 1 })));
    expect(tree)
      .to.include("group heavy (a slot takes 1 cpu, 512 MiB heap, 1 gpu)")
      .and.include("group rest\n");
    expect(tree.slice(tree.indexOf("hosts"))).to.equal(
      [
        "hosts",
        "├─ [0] slot 0 of light 50%, slot 1 of light 50%: 0.5 cpu, 128 MiB heap",
        "├─ [1] slot 2 of heavy: 1 cpu, 512 MiB heap, 1 gpu (exclusive)",
        "├─ [2] slot 3 of rest: at most 384 MiB heap",
        "",
      ].join("\n"),
    );
  });

  it("count every kind of memory, and what else there is", () => {
    const memory = { name: "g", cpu: 0.5, heapMb: 100, offHeapMb: 100, managedMb: 100 };
    expect(slotsOf(graphOf([memory, 1]), machine(1, 300))).to.deep.equal([[0]]);
    expect(refusal(graphOf([memory, 1]), machine(1, 299))).to.include("RESOURCES_UNFULFILLABLE");
    const gpu = graphOf([{ name: "gpu", cpu: 0.5, heapMb: 16, external: { gpu: 1 } }, 2]);
    expect(slotsOf(gpu, machine(1, 64, { gpu: 2 }))).to.deep.equal([[0, 1]]);
    expect(refusal(gpu, machine(1, 64, { gpu: 1 })))
      .to.include("2 gpu")
      .and.include("1 gpu");
    expect(refusal(gpu, machine(1, 64))).to.include("2 gpu");
  });
});
