import { chains } from "./chains.js";
import { meeting } from "./meeting.js";
import { regions } from "./regions.js";
import { sessions } from "./sessions.js";
import { stateful } from "./stateful.js";
import { stateless } from "./stateless.js";
import type { Topology } from "./topology.js";

export const topologies: readonly Topology[] = [
  ...stateless,
  ...stateful,
  ...regions,
  sessions,
  ...meeting,
  ...chains,
];

export function topologyOf(name: string): Topology | undefined {
  return topologies.find((topology) => topology.name === name);
}
