import type { Environment } from "./environment.js";

const BRAND = Symbol.for("millrace.job");

/** What a job module exports by default: a name and a function that builds the graph. */
export interface JobDefinition<P = any> {
  readonly name: string;
  readonly build: (env: Environment, params: P) => void;
}

/**
 * Defines a job. Every thread imports the job's module and calls `build` again, so the module has no side
 * effects and builds the same graph each time from `params` alone.
 *
 * @example
 * export default defineJob("hello", (env) => {
 *   env.source("numbers", iterableSource(() => [1, 2, 3])).map((n) => n * 2).sink("out", printSink());
 * });
 */
export function defineJob<P = Record<string, string | undefined>>(
  name: string,
  build: (env: Environment, params: P) => void,
): JobDefinition<P> {
  return Object.assign({ name, build }, { [BRAND]: true });
}

export function isJobDefinition(value: unknown): value is JobDefinition {
  return typeof value === "object" && value !== null && BRAND in value;
}
