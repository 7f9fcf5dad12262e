import { meeting } from "./meeting.js";
import { stateful } from "./stateful.js";
import { stateless } from "./stateless.js";
import type { Topology } from "./topology.js";

export const topologies: readonly Topology[] = [...stateless, ...stateful, ...meeting];

export function topologyOf(name: string): Topology | undefined {
  return topologies.find((topology) => topology.name === name);
}
