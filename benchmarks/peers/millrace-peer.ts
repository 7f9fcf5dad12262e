import { type Digest, openSession, RowDigest, type Session } from "../../lib/index.js";
import type { Peer, QueryName, Request } from "./contract.js";
import type { JobParams } from "./job.js";

const JOB = new URL("./job.js", import.meta.url);

/** A job on a session's threads, which live between runs as the other peers' threads do. */
export class MillracePeer implements Peer {
  readonly name: string;
  private readonly query: QueryName;
  private readonly parallelism: number;
  private readonly session: Session = openSession();

  constructor(query: QueryName, parallelism: number) {
    this.query = query;
    this.parallelism = parallelism;
    this.name = `millrace parallelism ${parallelism}`;
  }

  async run(request: Request): Promise<Digest | undefined> {
    const params: JobParams = { query: this.query, ...request };
    const job = await this.session.run(JOB, { parallelism: this.parallelism, params: { ...params } });
    const parts: Digest[] = [];
    if (request.isChecked) for await (const part of job.results<Digest>("out")) parts.push(part);
    await job.completed;
    return request.isChecked ? RowDigest.merge(parts) : undefined;
  }

  async close(): Promise<void> {
    await this.session[Symbol.asyncDispose]();
  }
}
