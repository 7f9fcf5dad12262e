/** A plan for people: as a tree and as a mermaid diagram. */
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.js";
import { describe } from "../graph/resource-profile.js";
import { type HostsPlan, shareOf } from "./hosts.js";

export function explainTree(graph: JobGraph, hosts?: HostsPlan): string {
  const lines = [`job ${graph.job}`];
  for (const vertex of graph.vertices) {
    const inputs = graph.edges.filter((edge) => edge.to === vertex.id);
    lines.push(`├─ [${vertex.id}] parallelism ${vertex.parallelism}${groupOf(vertex, graph)}`);
    for (const edge of inputs)
      lines.push(`│    ◂─ ${edge.partitioner}${sideOf(edge)}${inputOf(edge)} ── [${edge.from}]`);
    const depth = new Map<number, number>();
    vertex.operators.forEach((node, index) => {
      const level = node.feeder < 0 ? 0 : depth.get(node.feeder)! + 1;
      depth.set(index, level);
      const config = Object.entries(node.config).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      const details = [node.kind, ...config].join(" ");
      lines.push(
        `│    ${"  ".repeat(level)}${level === 0 ? "" : "└ "}${node.name} (${details}) uid=${node.uid}`,
      );
    });
  }
  if (hosts !== undefined) lines.push("hosts", ...explainHosts(hosts));
  return `${lines.join("\n")}\n`;
}

function explainHosts(plan: HostsPlan): string[] {
  return plan.hosts.map(({ slots, profile, exclusive, memoryMaxMb }, id) => {
    const shares = slots.map((slot) => {
      const share = shareOf(slot, plan);
      return `slot ${slot} of ${plan.slots[slot]!.group}${share === 1 ? "" : ` ${Math.round(share * 100)}%`}`;
    });
    const takes = profile === undefined ? "" : `: ${describe(profile)}`;
    const most = memoryMaxMb === undefined ? "" : `: at most ${Math.floor(memoryMaxMb)} MiB heap`;
    return `├─ [${id}] ${shares.join(", ")}${takes}${most}${exclusive === undefined ? "" : " (exclusive)"}`;
  });
}

export function explainMermaid(graph: JobGraph): string {
  const lines = ["flowchart LR"];
  for (const vertex of graph.vertices) {
    lines.push(`  v${vertex.id}["${vertex.name.replaceAll('"', "'")}<br/>x${vertex.parallelism}"]`);
  }
  for (const edge of graph.edges)
    lines.push(`  v${edge.from} -- ${edge.partitioner}${sideOf(edge)}${inputOf(edge)} --> v${edge.to}`);
  return `${lines.join("\n")}\n`;
}

function groupOf({ slotSharingGroup: group }: JobVertex, { groups }: JobGraph): string {
  const profile = groups?.[group]?.profile;
  if (profile !== undefined) return ` group ${group} (a slot takes ${describe(profile)})`;
  return group === "default" ? "" : ` group ${group}`;
}

function sideOf(edge: JobEdge): string {
  return edge.side === undefined ? "" : ` (side ${edge.side})`;
}

function inputOf(edge: JobEdge): string {
  return edge.input === 1 ? " (second input)" : "";
}
