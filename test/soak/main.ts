/**
 * Runs jobs that fail for minutes and compares every answer with the oracle's:
 *
 *   npm run soak -- --minutes 10 --seed 7      ends with exit code 1 on any difference
 *   npm run soak -- --seed 7 --job 12          one of its jobs again
 *   npm run soak -- --exchange                 memory while records cross threads, and nothing else
 *
 * Slots fail by exceptions and ends of threads; some jobs' whole process is killed and another one resumes. One
 * process runs all others, and what it holds between jobs may not grow.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freshSeed } from "../../lib/base/random.js";
import { SoakRun } from "./run.js";

/** What the last job may take beyond the minutes. */
const LAST_JOB_MS = 240_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    job: { type: "string" },
    exchange: { type: "boolean", default: false },
  },
});

if (values.exchange) {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const args = [join(root, "node_modules/mocha/bin/mocha.js"), "dist/test/soak/exchange.soak.js"];
  process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1);
}

const seed = values.seed === undefined ? freshSeed() % 1_000_000 : Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error("--minutes and --seed are numbers");
const folder = mkdtempSync(join(tmpdir(), "millrace-soak-"));
const soak = new SoakRun(seed, folder);
const until = performance.now() + minutes * 60_000;
// The last job may be a long one on a slow machine: it is given up, and says nothing then.
setTimeout(() => finish(), minutes * 60_000 + LAST_JOB_MS).unref();
if (values.job !== undefined) await soak.one(Number(values.job));
else for (let number = 0; performance.now() < until; number++) await soak.one(number);
finish();

function finish(): never {
  const good = soak.end();
  if (good) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  else console.error(`not as it should be: npm run soak -- --seed ${seed}; files are left in ${folder}`);
  process.exit(good ? 0 : 1);
}
