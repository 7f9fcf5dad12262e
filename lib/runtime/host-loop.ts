/**
 * The loop of a slot: gives every task a turn, round after round for a few ms, then lets the event loop
 * turn. When nothing moves it spins a little, yields a little, then sleeps on the doorbell. Slots of one host take
 * turns in its event loop, each for its share of the time.
 */
import type { Clock } from "../base/clock.js";
import type { Scheduler } from "../base/scheduler.js";
import type { Doorbell } from "../exchange/doorbell.js";
import type { RoundCounter } from "../metrics/round-times.js";
import type { Task } from "./task.js";

const SPINS = 50;
const YIELDS = 3;
/** A sleeping host wakes by itself this often, so that batches and timers that wait for time go on. */
const NAP_MS = 20;

/**
 * Runs a host's rounds in place of its thread's event loop, one a call. The answer of `round`: whether anything
 * moved; undefined: the host has stopped.
 */
export type DriveRounds = (round: () => boolean | undefined) => void;

export interface HostLoopOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly doorbell: Doorbell;
  /** How long rounds run before the event loop may turn: with slots beside this one, its share of the thread. */
  readonly roundsMs: number;
  /** Bumped every round. */
  readonly progress: Int32Array;
  readonly times: RoundCounter;
  /** A task has drained and is ready to commit. */
  readonly onTask: (index: number) => void;
  readonly onError: (error: unknown) => void;
  /** Absent: the event loop, and the doorbell while there is nothing to do. */
  readonly drive: DriveRounds | undefined;
}

export class HostLoop {
  tasks: readonly Task[] = [];
  private readonly options: HostLoopOptions;
  private running = false;
  private asleep = false;
  private woken = false;
  private idleRounds = 0;
  private lastMark = 0;

  constructor(options: HostLoopOptions) {
    this.options = options;
  }

  start(): void {
    this.running = true;
    this.lastMark = this.options.clock.steady();
    const { drive, scheduler } = this.options;
    if (drive === undefined) scheduler.soon(this.rounds);
    else drive(() => this.driven());
  }

  stop(): void {
    this.running = false;
  }

  /** Something can go on: from the event loop of this thread. */
  wake(): void {
    this.woken = true;
    if (this.asleep) this.options.doorbell.ring();
  }

  private readonly rounds = (): void => {
    if (!this.running) return;
    const { clock, progress, scheduler, roundsMs } = this.options;
    const until = clock.steady() + roundsMs;
    try {
      let moved = false;
      this.woken = false;
      do {
        Atomics.add(progress, 0, 1);
        moved = this.round();
        this.idleRounds = moved ? 0 : this.idleRounds + 1;
      } while (this.running && this.idleRounds < SPINS && clock.steady() < until);
      this.reportTasks();
      if (this.idleRounds < SPINS + YIELDS || this.woken) scheduler.soon(this.rounds);
      else this.sleep();
    } catch (error) {
      this.options.onError(error);
    }
  };

  private driven(): boolean | undefined {
    if (!this.running) return undefined;
    try {
      Atomics.add(this.options.progress, 0, 1);
      const moved = this.round();
      this.reportTasks();
      return moved;
    } catch (error) {
      this.options.onError(error);
      return undefined;
    }
  }

  private reportTasks(): void {
    for (const task of this.tasks) if (task.phase !== "finished") task.report();
  }

  private round(): boolean {
    let moved = false;
    const { tasks, lastMark } = this;
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i]!;
      if (task.phase === "finished") continue;
      const progressed = task.turn();
      moved ||= progressed;
      this.account(task, progressed);
      if (task.phase === "committing") this.options.onTask(i);
    }
    this.options.times.add(this.lastMark - lastMark);
    return moved;
  }

  /** The time since the last mark was this task's. */
  private account(task: Task, progressed: boolean): void {
    const now = this.options.clock.steady();
    task.spend(now, now - this.lastMark, progressed);
    this.lastMark = now;
  }

  private sleep(): void {
    const { doorbell, scheduler, clock } = this.options;
    const sleeping = doorbell.sleep();
    // An element may have come between the last round and the flag: look once more before sleeping.
    if (sleeping === undefined || this.woken || this.round()) {
      doorbell.awake();
      this.idleRounds = 0;
      scheduler.soon(this.rounds);
      return;
    }
    this.asleep = true;
    const cancel = scheduler.after(NAP_MS, () => doorbell.ring());
    void sleeping.then(() => {
      cancel();
      this.asleep = false;
      doorbell.awake();
      this.idleRounds = 0;
      const now = clock.steady();
      for (const task of this.tasks) {
        if (task.phase !== "finished") task.spend(now, 0, false);
      }
      this.lastMark = now;
      this.rounds();
    });
  }
}
