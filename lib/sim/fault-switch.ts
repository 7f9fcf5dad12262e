/** The faults of a plan that come at the n-th call of something, and whether storage is slow now. */
import type { Fault, Hook } from "./plan.js";
import type { World } from "./world.js";

type PutFault = Extract<Fault, { kind: "put-fails" }>;

export class FaultSwitch {
  /** Storage is slow until this step. */
  slowUntil = 0;
  private readonly world: World;
  private readonly faults: readonly Fault[];
  private readonly calls = new Map<Hook, number>();
  private puts = 0;

  constructor(world: World, faults: readonly Fault[]) {
    this.world = world;
    this.faults = faults;
  }

  /** Throws when it is this call's turn. */
  hook(hook: Hook): void {
    const call = this.calls.get(hook) ?? 0;
    this.calls.set(hook, call + 1);
    const isDue = this.faults.some(
      (fault) => fault.kind === "throw" && fault.hook === hook && fault.nth === call,
    );
    if (!isDue) return;
    this.world.log(`fault: ${hook} throws`);
    throw new Error(`injected in ${hook}`);
  }

  /** How the put that begins is to fail. */
  put(): PutFault | undefined {
    const put = this.puts++;
    const fault = this.faults.find((each): each is PutFault => each.kind === "put-fails" && each.nth === put);
    if (fault !== undefined) this.world.log(`fault: put ${put} fails`);
    return fault;
  }
}
