/**
 * Reading objects of a bucket behind a network: every request takes 20 ms more, added by a proxy. The file source with
 * its ranges on their way, beside the loop one would write: list, then get object by object, parse its lines. Both
 * parse alike and count the same rows; runs of both in turn, medians of pairwise ratios. Target: twice as fast.
 * Needs an S3 server: `npm run services -- up s3`.
 */
import { S3Proxy } from "../../fixtures/s3/proxy.js";
import { findRunning } from "../../fixtures/services/running.js";
import { openSession } from "../../lib/index.js";
import { S3Bucket } from "../../lib/storage/s3/bucket.js";
import { connect } from "../../lib/storage/s3/client.js";
import { s3ServerOf } from "../../lib/storage/s3/server.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import { Report } from "../report.js";
import type { BenchRow, Counted } from "./job.js";

export interface S3SuiteOptions {
  readonly pairs: number;
  readonly json: boolean;
}

const BUCKET = "millrace-bench";
const LATENCY_MS = 20;
const MIB = 1024 * 1024;

const CASES = [
  { objects: 200, bytes: 100 * 1024 },
  { objects: 64, bytes: MIB },
  { objects: 4, bytes: 16 * MIB },
];

export async function s3({ pairs, json }: S3SuiteOptions): Promise<void> {
  Object.assign(process.env, process.env["MILLRACE_S3_ENDPOINT"] ? {} : findRunning("s3")?.environment);
  const server = s3ServerOf(process.env);
  if (server.endpoint === undefined) throw new Error("no S3 server: npm run services -- up s3");
  const { sdk, client } = await connect(server);
  await client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })).catch(() => undefined);
  const proxy = await S3Proxy.open(server.endpoint);
  proxy.faults = () => ({ delayMs: LATENCY_MS });
  process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
  const report = new Report(json);
  const direct = new S3Bucket(server, BUCKET);
  try {
    for (const each of CASES) {
      const prefix = `rows-${each.objects}-${each.bytes}`;
      await fill(direct, prefix, each.objects, each.bytes);
      for (const parallelism of [1, 2])
        report.row({ ...each, ...(await compare(prefix, parallelism, pairs)) });
      for await (const page of direct.list(`${prefix}/`))
        for (const { key } of page) await direct.remove(key);
    }
  } finally {
    await proxy.close();
  }
}

async function compare(prefix: string, parallelism: number, pairs: number) {
  const loop: Measured[] = [];
  const ours: Measured[] = [];
  const answers = new Set<string>();
  await using session = openSession();
  const source = async (): Promise<Counted> => {
    const from = `s3://${BUCKET}/${prefix}`;
    const job = await session.run(new URL("./job.js", import.meta.url), { parallelism, params: { from } });
    let [rows, amount] = [0, 0];
    for await (const part of job.results<Counted>("out")) {
      rows += part.rows;
      amount += part.amount;
    }
    await job.completed;
    return { rows, amount };
  };
  const sides = [
    async (runs: Measured[]) => runs.push(await timed(answers, source)),
    async (runs: Measured[]) => runs.push(await timed(answers, () => sequential(prefix))),
  ] as const;
  // The first pair warms up: threads, connections, code.
  for (let pair = 0; pair <= pairs; pair++) {
    const [own, other]: [Measured[], Measured[]] = pair === 0 ? [[], []] : [ours, loop];
    if (pair % 2 === 0) await sides[0](own);
    await sides[1](other);
    if (pair % 2 === 1) await sides[0](own);
  }
  if (answers.size > 1) throw new Error(`the answers differ: ${[...answers].join(" and ")}`);
  return {
    latencyMs: LATENCY_MS,
    parallelism,
    pairs,
    loopMs: rounded(median(loop.map(({ wallMs }) => wallMs)), 0),
    sourceMs: rounded(median(ours.map(({ wallMs }) => wallMs)), 0),
    timesAsFast: rounded(median(loop.map(({ wallMs }, i) => wallMs / ours[i]!.wallMs))),
    cpuRatio: rounded(median(ours.map(({ cpuMs }, i) => cpuMs / loop[i]!.cpuMs))),
  };
}

async function timed(answers: Set<string>, run: () => Promise<Counted>) {
  let answer: Counted | undefined;
  const measured = await measure(async () => {
    answer = await run();
  });
  answers.add(`${answer!.rows} rows, ${answer!.amount}`);
  return measured;
}

/** One object after the other, with the client of AWS. */
async function sequential(prefix: string): Promise<Counted> {
  const { sdk, client } = await connect(s3ServerOf(process.env));
  const listed = await client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }));
  let [rows, amount] = [0, 0];
  for (const { Key } of listed.Contents ?? []) {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: BUCKET, Key }));
    const text = await Body!.transformToString();
    for (const line of text.split("\n")) {
      if (line === "") continue;
      rows++;
      amount += (JSON.parse(line) as BenchRow).amount;
    }
  }
  return { rows, amount };
}

async function fill(bucket: S3Bucket, prefix: string, objects: number, bytes: number): Promise<void> {
  for (let object = 0, id = 0; object < objects; object++) {
    const lines: string[] = [];
    for (let length = 0; length < bytes; id++) {
      const row: BenchRow = { id, user: `user-${id % 9973}`, amount: id % 100 };
      lines.push(JSON.stringify(row));
      length += lines.at(-1)!.length + 1;
    }
    const name = String(object).padStart(4, "0");
    await bucket.put(`${prefix}/${name}.jsonl`, Buffer.from(`${lines.join("\n")}\n`));
  }
}
