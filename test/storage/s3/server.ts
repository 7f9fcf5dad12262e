/**
 * The S3 server of the tests: the one that the environment names (MILLRACE_S3_ENDPOINT, and credentials as AWS has
 * them), or that `npm run services -- up s3` has started. Without one its tests are skipped.
 */
import type { Context } from "mocha";
import { findRunning } from "../../../fixtures/services/running.js";
import { freshSeed } from "../../../lib/base/random.js";
import type { S3Server } from "../../../lib/storage/contract.js";
import { connect } from "../../../lib/storage/s3/client.js";
import { s3ServerOf } from "../../../lib/storage/s3/server.js";

/** The bucket of all tests; each has prefixes of its own in it. */
export const BUCKET = "millrace-tests";

/** Variables with which a program reaches the server, or undefined without one. */
export function s3Environment(): Readonly<Record<string, string>> | undefined {
  if (process.env["MILLRACE_S3_ENDPOINT"] !== undefined) return process.env as Record<string, string>;
  return findRunning("s3")?.environment;
}

/**
 * Reaches the server, or skips the test that asks (all of a `before`'s suite), saying so. From then on this process
 * has the server's environment.
 */
export async function useServer(test: Context): Promise<S3Server> {
  const environment = s3Environment();
  if (environment === undefined) {
    const said = "no S3 server: `npm run services -- up s3` starts one";
    process.stderr.write(`      skipped: ${said}\n`);
    return test.skip();
  }
  Object.assign(process.env, environment);
  const server = s3ServerOf(process.env);
  const { sdk, client } = await connect(server);
  await client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })).catch((error: Error) => {
    if (!/^BucketAlready/.test(error.name)) throw error;
  });
  return server;
}

/** A prefix that no other test has. */
export function freshPrefix(name: string): string {
  return `${name}-${process.pid}-${freshSeed().toString(36)}`;
}
