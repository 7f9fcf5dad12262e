/** A plan for people: as a tree and as a mermaid diagram. */
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.js";

export function explainTree(graph: JobGraph): string {
  const lines = [`job ${graph.job}`];
  for (const vertex of graph.vertices) {
    const inputs = graph.edges.filter((edge) => edge.to === vertex.id);
    lines.push(`├─ [${vertex.id}] parallelism ${vertex.parallelism}${groupOf(vertex)}`);
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
  return `${lines.join("\n")}\n`;
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

function groupOf(vertex: JobVertex): string {
  return vertex.slotSharingGroup === "default" ? "" : ` group ${vertex.slotSharingGroup}`;
}

function sideOf(edge: JobEdge): string {
  return edge.side === undefined ? "" : ` (side ${edge.side})`;
}

function inputOf(edge: JobEdge): string {
  return edge.input === 1 ? " (second input)" : "";
}
