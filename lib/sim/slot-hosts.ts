/** Threads of the simulated machine: each runs one real slot, round by round, and talks by messages that take time. */
import { MillraceError } from "../base/error.js";
import type { Deployment, SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { LaunchHost, SlotHost } from "../protocol/slot-host.js";
import { Slot } from "../runtime/slot.js";
import { heapBackend } from "../state/heap/backend.js";
import type { Disks } from "./disks.js";
import type { SimPlan } from "./plan.js";
import { Life, type World } from "./world.js";

/** Mean delay of a message, ms. */
const MESSAGE_MS = 0.5;
/** How long a host waits that has nothing to do: twice as long each time, up to so many rounds. */
const IDLE_ROUNDS_MAX = 16;

/** One direction between a slot and the coordinator: in order, each message after a while. */
class Port {
  private readonly world: World;
  private readonly to: Life;
  private lastAt = 0;

  constructor(world: World, to: Life) {
    this.world = world;
    this.to = to;
  }

  post(label: string, deliver: () => void): void {
    const at = Math.max(this.lastAt, this.world.time + this.world.delay(MESSAGE_MS));
    this.lastAt = at;
    this.world.after(this.to, at - this.world.time, label, deliver);
  }
}

export interface SlotHostsOptions {
  readonly world: World;
  readonly plan: SimPlan;
  readonly program: Plan;
  readonly disks: Disks;
  /** The process of the coordinator. */
  readonly process: Life;
  /** The slot that is being built: its writers belong to it. */
  readonly building: (life: Life) => void;
}

/** The hosts of one process. */
export class SlotHosts {
  private readonly given: SlotHostsOptions;
  private running: SimHost[] = [];
  private readonly crashed = new Set<number>();

  constructor(given: SlotHostsOptions) {
    this.given = given;
  }

  readonly launch: LaunchHost = async (slot, events) => {
    const host = new SimHost(this.given, slot, events);
    this.crashed.delete(slot);
    this.running = [...this.running.filter(({ life }) => life.alive), host];
    return host;
  };

  /** A thread dies, if one runs. */
  crash(number: number): void {
    const alive = this.running.filter(({ life }) => life.alive);
    const host = alive[number % Math.max(1, alive.length)];
    if (host === undefined) return;
    this.crashed.add(host.number);
    host.crash();
  }

  /** A thread has died, and no other one has taken its place. */
  get lacksOne(): boolean {
    return this.crashed.size > 0;
  }
}

class SimHost implements SlotHost {
  readonly life: Life;
  readonly control: SlotControl;
  readonly failed: Promise<never>;
  private readonly given: SlotHostsOptions;
  readonly number: number;
  private readonly fromSlot: Port;
  private readonly toSlot: Port;
  private readonly events: SlotEvents;
  private readonly roundMs: number;
  private slot: Slot | undefined;
  private reject!: (error: unknown) => void;

  constructor(given: SlotHostsOptions, number: number, events: SlotEvents) {
    const { world, process, plan } = given;
    this.given = given;
    this.number = number;
    this.life = new Life(process);
    this.fromSlot = new Port(world, process);
    this.toSlot = new Port(world, this.life);
    this.roundMs = plan.roundMs * (world.chance(0.2) ? 6 : 1);
    this.failed = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.failed.catch(() => undefined);
    this.events = this.remote("event", this.fromSlot, events);
    this.control = this.controlOfSlot();
  }

  crash(): void {
    const { world, process } = this.given;
    world.log(`fault: slot ${this.number} crashes`);
    this.life.end();
    const error = new MillraceError("SLOT_CRASHED", `injected: slot ${this.number} has crashed`);
    world.after(process, world.delay(1), `crash of slot ${this.number} noticed`, () => this.reject(error));
  }

  async kill(): Promise<void> {
    this.life.end();
  }

  async release(): Promise<void> {
    this.life.end();
  }

  /** Messages to the other side, copied as a structured clone copies them. */
  private remote<T extends object>(what: string, port: Port, target: T): T {
    const made: Record<string, unknown> = {};
    for (const name of Object.keys(target)) {
      const call = (target as Record<string, (...given: unknown[]) => void>)[name]!;
      made[name] = (...given: unknown[]) => {
        const copies = structuredClone(given);
        port.post(`slot ${this.number} ${what} ${name} ${printed(copies)}`, () => call(...copies));
      };
    }
    return made as T;
  }

  private controlOfSlot(): SlotControl {
    const oneWay = this.remote("control", this.toSlot, {
      addSplits: (vertex, subtask, splits) => this.slot?.addSplits(vertex, subtask, splits),
      alignSource: (vertex, limit) => this.slot?.alignSource(vertex, limit),
      trigger: (barrier, tasks) => this.slot?.trigger(barrier, tasks),
      checkpointCompleted: (checkpoint) => this.slot?.checkpointCompleted(checkpoint),
      checkpointAborted: (checkpoint) => this.slot?.checkpointAborted(checkpoint),
    } satisfies Pick<
      SlotControl,
      "addSplits" | "alignSource" | "trigger" | "checkpointCompleted" | "checkpointAborted"
    >);
    return {
      ...oneWay,
      deploy: (deployment) => this.ask("deploy", () => this.deploy(structuredClone(deployment))),
      start: () => this.ask("start", async () => this.slot?.start()),
      stop: () => this.ask("stop", async () => this.slot?.end(true)),
      close: () => this.ask("close", async () => this.slot?.end(false)),
    };
  }

  /** A request with an answer: both take time, and a dead slot never answers. */
  private ask(what: string, work: () => Promise<void> | undefined): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      const answer = (settle: () => void) => {
        if (this.life.alive) this.fromSlot.post(`slot ${this.number} answers ${what}`, settle);
      };
      this.toSlot.post(`slot ${this.number} is asked to ${what}`, () => {
        Promise.resolve(work()).then(
          () => answer(resolve),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
    return Promise.race([answered, this.failed]);
  }

  private async deploy(deployment: Deployment): Promise<void> {
    const { world, program, disks, plan, building } = this.given;
    const { checkpoints, restoreFrom } = deployment;
    const storeAt = (place: Deployment["restoreFrom"]) =>
      place?.kind === "filesystem" ? disks.open(place.directory, this.life) : undefined;
    const alive: Partial<SlotEvents> = {};
    for (const name of Object.keys(this.events) as (keyof SlotEvents)[]) {
      const event = this.events[name] as (...given: unknown[]) => void;
      alive[name] = (...given: unknown[]) => {
        if (this.life.alive) event(...given);
      };
    }
    building(this.life);
    this.slot = new Slot(program, deployment, alive as SlotEvents, {
      backend: heapBackend,
      store: storeAt(checkpoints?.store),
      restoreStore: storeAt(restoreFrom),
      clock: world.clock,
      scheduler: world.schedulerOf(this.life),
      inlineBytes: plan.inlineBytes,
      drive: (round) => this.drive(round),
    });
    await this.slot.open();
  }

  /** The next round comes after a while, later when there was nothing to do. */
  private drive(round: () => boolean | undefined): void {
    const { world } = this.given;
    let wait = 1;
    const next = (moved: boolean) => {
      wait = moved ? 1 : Math.min(wait * 2, IDLE_ROUNDS_MAX);
      const ms = world.delay(this.roundMs) * wait;
      world.after(this.life, ms, `slot ${this.number} round`, () => {
        const answer = round();
        if (answer !== undefined) next(answer);
      });
    };
    next(true);
  }
}

/** The begin of a message, for the trace; stacks and places may name generated code, which is counted over all runs. */
function printed(parts: readonly unknown[]): string {
  const text = JSON.stringify(parts, (name, value: unknown) => {
    if (name === "stack" || name === "at") return undefined;
    return value instanceof Uint8Array ? value.length : value;
  });
  return text.slice(0, 1200);
}
