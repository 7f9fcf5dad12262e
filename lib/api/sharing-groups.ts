/**
 * The slot sharing groups of a graph under construction: which operator is in which, and what each takes.
 *
 * Invariant: what is known of a group is said once, or twice the same.
 */
import { MillraceError } from "../base/error.js";
import {
  describe,
  profileOf,
  type SlotSharingGroup,
  sameProfile,
  UNKNOWN,
} from "../graph/resource-profile.js";
import type { GroupResources, OperatorNode, StreamEdge } from "../graph/stream-graph.js";

/** Of operators that are in no other. */
export const DEFAULT_GROUP = "default";

export class SharingGroups {
  private readonly assigned = new Map<OperatorNode, string>();
  private readonly known = new Map<string, GroupResources>();

  /** Throws RESOURCES_INVALID. */
  register(group: SlotSharingGroup): void {
    const profile = profileOf(group);
    const before = this.known.get(group.name);
    const exclusive = group.exclusive ?? false;
    if (before !== undefined) {
      const earlier = before.profile ?? UNKNOWN;
      if (sameProfile(earlier, profile) && (before.exclusive ?? false) === exclusive) return;
      const texts = [earlier, profile].map((each) => (each === UNKNOWN ? "no profile" : describe(each)));
      throw new MillraceError(
        "RESOURCES_INVALID",
        `slot sharing group "${group.name}" is defined twice: ${texts.join(" and ")}`,
        { hint: "Define it once and name it afterwards: slotSharingGroup(name)." },
      );
    }
    this.known.set(group.name, {
      ...(profile === UNKNOWN ? {} : { profile }),
      ...(exclusive ? { exclusive } : {}),
    });
  }

  /** Throws RESOURCES_INVALID. */
  assign(node: OperatorNode, group: string | SlotSharingGroup): void {
    if (typeof group !== "string") this.register(group);
    this.assigned.set(node, typeof group === "string" ? group : group.name);
  }

  /**
   * Gives every operator its group: its own, or that of its inputs if they agree. Answers what is known of the
   * groups that have operators.
   */
  resolve(
    operators: readonly OperatorNode[],
    edges: readonly StreamEdge[],
  ): Record<string, GroupResources> | undefined {
    const groupOf = new Map<string, string>();
    for (const node of operators) {
      const inputs = edges.filter(({ to }) => to === node.uid).map(({ from }) => groupOf.get(from)!);
      const inherited = inputs.every((each) => each === inputs[0]) ? inputs[0] : undefined;
      node.slotSharingGroup = this.assigned.get(node) ?? inherited ?? DEFAULT_GROUP;
      groupOf.set(node.uid, node.slotSharingGroup);
    }
    const used = [...this.known].filter(([name]) => operators.some((node) => node.slotSharingGroup === name));
    return used.length === 0 ? undefined : Object.fromEntries(used);
  }
}
