/** Disks of the simulated machine: they outlive processes, and their operations take time and fail. */
import { MillraceError } from "../base/error.js";
import type { BlobStore, PutOptions, StoreLocation } from "../storage/contract.js";
import { MemoryBlobStore } from "../storage/memory.js";
import type { FaultSwitch } from "./fault-switch.js";
import type { Life, World } from "./world.js";

/** Slow storage is slower by this factor: slower than any checkpoint's timeout. */
const SLOW = 500;

export class Disks {
  readonly world: World;
  readonly faults: FaultSwitch;
  /** Mean time of an operation, ms. */
  readonly meanMs: number;
  /** What was put by whoever had died meanwhile: nobody could tidy it away yet. */
  readonly late = new Set<string>();
  private readonly folders = new Map<string, MemoryBlobStore>();

  constructor(world: World, faults: FaultSwitch, meanMs: number) {
    this.world = world;
    this.faults = faults;
    this.meanMs = meanMs;
  }

  /** What really lies in a folder. */
  contents(folder: string): MemoryBlobStore {
    const known = this.folders.get(folder) ?? new MemoryBlobStore();
    this.folders.set(folder, known);
    return known;
  }

  /** The store in a folder as a thread or process sees it. */
  open(folder: string, life: Life): BlobStore {
    return new SimStore(this, folder, life);
  }
}

class SimStore implements BlobStore {
  readonly location: StoreLocation;
  private readonly disks: Disks;
  private readonly inner: MemoryBlobStore;
  private readonly life: Life;

  constructor(disks: Disks, directory: string, life: Life) {
    this.disks = disks;
    this.location = { kind: "filesystem", directory };
    this.inner = disks.contents(directory);
    this.life = life;
  }

  async put(path: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    const { world, faults } = this.disks;
    const fault = faults.put();
    // Half of the puts that a crash catches are there all the same.
    const survives = world.chance(0.5);
    const own = chunks.map((chunk) => chunk.slice());
    const owner = this.life;
    const { alive } = owner;
    await this.spend(`put ${path}`, survives);
    if (!alive) return new Promise(() => undefined);
    if (!owner.alive) this.disks.late.add(path);
    if (fault === undefined || fault.applied) await this.inner.put(path, own, options);
    if (!owner.alive) return new Promise(() => undefined);
    if (fault !== undefined) throw new MillraceError("STORAGE_FAILED", `injected: cannot write ${path}`);
  }

  async get(path: string): Promise<Uint8Array> {
    await this.spend(`get ${path}`);
    return this.inner.get(path);
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    await this.spend(`get ${path}`);
    return this.inner.getRange(path, offset, length);
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.spend(`list ${folder}`);
    return this.inner.list(folder);
  }

  async remove(path: string): Promise<void> {
    await this.spend(`remove ${path}`);
    return this.inner.remove(path);
  }

  /** One by one, as a store does that can die in between. */
  async removeFolder(folder: string): Promise<void> {
    for (const path of await this.list(folder)) await this.remove(path);
  }

  async sweep(folder: string): Promise<void> {
    await this.spend(`sweep ${folder}`);
    return this.inner.sweep(folder);
  }

  /** `survives`: what was begun comes to its end although whoever began it dies. */
  private spend(what: string, survives = false): Promise<void> {
    const { world, meanMs, faults } = this.disks;
    const ms = world.delay(meanMs) * (faults.slowUntil > world.steps ? SLOW : 1);
    return world.wait(survives ? world.always : this.life, ms, what);
  }
}
