/** Jobs in folders of their own, started and looked at through the launcher. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { JobDescription } from "../../lib/cli/control-protocol.js";
import { command, type Launched, launch } from "./launch.js";

export const compiled = (name: string) => fileURLToPath(new URL(`../jobs/${name}.js`, import.meta.url));

const COUNT = 1000;
const CUSTOMERS = 10;

/** The place of one job: its sockets, its checkpoints, its output. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "millrace-job-"));
  readonly state = join(this.folder, "state");
  readonly out = join(this.folder, "out");
  private readonly gate = join(this.folder, "gate");
  private readonly abort = join(this.folder, "abort");
  readonly env = { TMPDIR: join(this.folder, "tmp") };

  constructor() {
    mkdirSync(this.env.TMPDIR);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs the job that counts orders; it stays in its second half until the gate is opened. */
  gated(...flags: string[]): Launched {
    const { out, gate, abort } = this;
    const params = [`out=${out}`, `gate=${gate}`, `count=${COUNT}`, `abort=${abort}`];
    return launch([compiled("gated"), "-p", "2", ...flags, "--param", ...params], { env: this.env });
  }

  openGate(): void {
    writeFileSync(this.gate, "");
  }

  /** From now on the job aborts its process; the answer stops that. */
  beginAborting(): () => void {
    writeFileSync(this.abort, "");
    return () => rmSync(this.abort);
  }

  async list(): Promise<JobDescription[]> {
    const { code, stdout, stderr } = await command(["list", "--json"], this);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    return JSON.parse(stdout).jobs;
  }

  /** The only job, once it is as wanted. */
  async until(isWanted: (job: JobDescription) => boolean): Promise<JobDescription> {
    for (let tries = 0; tries < 100; tries++) {
      const [job] = await this.list();
      if (job !== undefined && isWanted(job)) return job;
      await sleep(20);
    }
    throw new Error(`no job came to be as wanted; there is ${JSON.stringify(await this.list())}`);
  }

  /** The job has come to the gate and has taken a checkpoint of what lies before it, or of more. */
  checkpointed(): Promise<JobDescription> {
    return this.until(({ state, lastCheckpoint }) => state === "running" && (lastCheckpoint?.id ?? 0) > 2);
  }

  /** Every order is there once, and each customer's count has gone up by one each time. */
  expectEachOnce(): void {
    const rows = readdirSync(this.out)
      .filter((name) => !name.startsWith("."))
      .flatMap((name) => readFileSync(join(this.out, name), "utf8").trimEnd().split("\n"))
      .map((line) => JSON.parse(line) as { id: number; customer: number; orders: number });
    const numbers = Array.from({ length: COUNT }, (_, id) => id);
    expect(rows.map(({ id }) => id).sort((a, b) => a - b)).to.deep.equal(numbers);
    const counts = rows.map(({ customer, orders }) => customer + CUSTOMERS * (orders - 1));
    expect(counts.sort((a, b) => a - b)).to.deep.equal(numbers);
    expect(readdirSync(this.out).filter((name) => name.startsWith("."))).to.deep.equal([]);
  }

  sockets(): string[] {
    const [folder] = readdirSync(this.env.TMPDIR).filter((name) => name.startsWith("millrace-"));
    return folder === undefined ? [] : readdirSync(join(this.env.TMPDIR, folder));
  }
}
