/**
 * Fencing: of all coordinators that ever opened a job in a store, the one with the highest *epoch* decides.
 *
 * A coordinator claims an epoch by an exclusive blob, then reads the manifests there are and writes down which it
 * adopts. A checkpoint counts only if, after its manifest was put, its coordinator still holds the highest epoch.
 * Why that is enough: if it does, the manifest was there before the next claim, so whoever claims next sees and
 * adopts it. If it does not, the manifest is either adopted by the new coordinator, which then commits what it
 * names, or named by no adoption, and nobody ever restores it.
 */
import { MillraceError } from "../base/error.js";
import type { Random } from "../base/random.js";
import type { BlobStore } from "../storage/contract.js";
import { epochsFolder, token } from "./paths.js";

/** Which manifests an epoch began with, of those that earlier epochs wrote. */
export interface Adoption {
  readonly epoch: number;
  readonly checkpoints: readonly number[];
}

const ADOPTED = "-adopted";
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export class Fence {
  readonly epoch: number;
  readonly #store: BlobStore;
  readonly #jobId: string;
  /** Tells this claim from one of the same number, made after the job's folder was removed. */
  readonly #token: string;

  private constructor(store: BlobStore, jobId: string, epoch: number, claim: string) {
    this.#store = store;
    this.#jobId = jobId;
    this.epoch = epoch;
    this.#token = claim;
  }

  /** Takes the job over: from now on all earlier coordinators are fenced off. */
  static async claim(store: BlobStore, jobId: string, random: Random): Promise<Fence> {
    const claim = token(random, 4);
    for (;;) {
      const epoch = Math.max(0, ...(await epochsIn(store, jobId))) + 1;
      try {
        await store.put(`${epochsFolder(jobId)}/${epoch}`, [bytesOf(claim)], { exclusive: true });
        return new Fence(store, jobId, epoch, claim);
      } catch (error) {
        if (!MillraceError.is(error) || error.code !== "BLOB_EXISTS") throw error;
      }
    }
  }

  /** Whether nobody has taken over. */
  async holds(): Promise<boolean> {
    const epochs = await epochsIn(this.#store, this.#jobId);
    if (Math.max(0, ...epochs) !== this.epoch) return false;
    try {
      return textOf(await this.#store.get(this.#path(""))) === this.#token;
    } catch (error) {
      if (MillraceError.is(error) && error.code === "BLOB_MISSING") return false;
      throw error;
    }
  }

  /** Throws CHECKPOINT_FENCED when somebody has taken over. */
  async check(): Promise<void> {
    if (await this.holds()) return;
    throw new MillraceError(
      "CHECKPOINT_FENCED",
      `job ${this.#jobId} was taken over by another coordinator; epoch ${this.epoch} is over`,
    );
  }

  /** What the last epoch that got so far began with; undefined for the first. */
  async lastAdoption(): Promise<Adoption | undefined> {
    const paths = await this.#store.list(epochsFolder(this.#jobId));
    const epoch = Math.max(0, ...paths.filter((path) => path.endsWith(ADOPTED)).map(epochOf));
    if (epoch === 0) return undefined;
    const text = textOf(await this.#store.get(`${epochsFolder(this.#jobId)}/${epoch}${ADOPTED}`));
    return { epoch, checkpoints: JSON.parse(text) as number[] };
  }

  /** Writes down what this epoch begins with. Traces of earlier ones have no further use. */
  async adopt(checkpoints: readonly number[]): Promise<void> {
    await this.#store.put(this.#path(ADOPTED), [bytesOf(JSON.stringify(checkpoints))]);
    for (const path of await this.#store.list(epochsFolder(this.#jobId)))
      if (epochOf(path) < this.epoch) await this.#store.remove(path);
  }

  #path(suffix: string): string {
    return `${epochsFolder(this.#jobId)}/${this.epoch}${suffix}`;
  }
}

/** Whether a manifest written in `epoch` belongs to the job's history. */
export function isAdopted(adoption: Adoption | undefined, checkpoint: number, epoch: number): boolean {
  return adoption === undefined || epoch >= adoption.epoch || adoption.checkpoints.includes(checkpoint);
}

/** Claims only: an epoch counts from the moment it is claimed. */
async function epochsIn(store: BlobStore, jobId: string): Promise<number[]> {
  return (await store.list(epochsFolder(jobId))).filter((path) => !path.endsWith(ADOPTED)).map(epochOf);
}

function epochOf(path: string): number {
  return Number.parseInt(path.slice(path.lastIndexOf("/") + 1), 10);
}
