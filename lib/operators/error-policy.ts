/** What becomes of a record whose function throws. */
import { MillraceError, messageOf } from "../base/error.js";
import type { AnyFunction, EmitSite, OperatorContext } from "./contract.js";

/** A name under which records are set aside; made by `deadLetter(name)`. */
export interface DeadLetters {
  readonly kind: "dead-letters";
  readonly name: string;
}

/**
 * `"fail"` (default): the job fails, and restarts as its restart strategy says. `"skip"`: the record is left out
 * and counted in the metric `recordsFailed`. `deadLetter(name)`: the same, and it is given to
 * `env.deadLetters(name)` with its error.
 */
export type ErrorPolicy = "fail" | "skip" | DeadLetters;

/** A record that was set aside. */
export interface DeadLetter<T = unknown> {
  readonly record: T;
  /** What the function threw, as plain data. */
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | null;
  };
  /** Name of the operator whose function threw. */
  readonly operator: string;
  /** Event time of the record, ms; null where it has none. */
  readonly timestamp: number | null;
}

/**
 * Sets records aside on which a function throws, under a name; `env.deadLetters(name)` is the stream of them. Of
 * what the function did before it threw, emitted records and changed state stay.
 * @example
 * const events = lines.map((line) => JSON.parse(line) as Event, { onError: deadLetter("bad-events") });
 * env.deadLetters("bad-events").sink("bad", fileSink({ path: "out/bad", format: jsonl() }));
 */
export function deadLetter(name: string): DeadLetters {
  if (typeof name !== "string" || name === "") {
    throw new MillraceError("OPTION_INVALID", "deadLetter(name) needs a name");
  }
  return { kind: "dead-letters", name };
}

/** Deals with what a function threw on a record; throws where that is not the function's own error. */
export type OnFailure = (error: unknown, record: unknown, timestamp: number) => void;

/** The side output of dead letters under a name. */
export function deadLetterTag(name: string): string {
  return `dead-letters:${name}`;
}

/** Absent where errors fail the job: then nothing is caught. */
export function failureHandler(
  policy: ErrorPolicy | undefined,
  context: Pick<OperatorContext, "operator" | "counters" | "side">,
): OnFailure | undefined {
  if (policy === undefined || policy === "fail") return undefined;
  const emit = policy === "skip" ? undefined : context.side(deadLetterTag(policy.name));
  return (error, record, timestamp) => {
    // What the function emitted met an error further down: that is not this record's fault.
    if (MillraceError.is(error) && error.place.operator !== undefined) throw error;
    context.counters.recordsFailed++;
    emit?.(letterOf(error, record, context.operator, timestamp), timestamp);
  };
}

/**
 * Writes a call that may throw and what goes on with its result. Only with a policy the call is within a `try`, and
 * what goes on never is: an error further down is not this record's fault.
 */
export function writeGuarded(
  site: EmitSite,
  policy: ErrorPolicy | undefined,
  value: string,
  timestamp: string,
  steps: { readonly call: string; goOn(): void },
): void {
  if (policy === undefined || policy === "fail") {
    site.line(steps.call);
    steps.goOn();
    return;
  }
  const thrown = site.fresh();
  const handled = site.bind(new InlineFailures(site), "failures");
  site.line(`${thrown} = undefined;`);
  site.line(`try { ${steps.call} } catch (error) { ${thrown} = { error }; }`);
  site.line(`if (${thrown} === undefined) {`);
  steps.goOn();
  site.line("} else {");
  const letter = site.fresh();
  site.line(`${letter} = ${handled}.letterOf(${thrown}.error, ${value}, ${timestamp});`);
  if (policy !== "skip") site.side(deadLetterTag(policy.name), letter, timestamp);
  site.line("}");
}

/** What generated code does with a record that has failed. */
class InlineFailures {
  private readonly site: Pick<EmitSite, "operator" | "counters">;

  constructor({ operator, counters }: EmitSite) {
    this.site = { operator, counters };
  }

  letterOf(error: unknown, record: unknown, timestamp: number): DeadLetter {
    this.site.counters.recordsFailed++;
    return letterOf(error, record, this.site.operator, timestamp);
  }
}

/** The same function, with its errors dealt with; itself where there is no policy. */
export function guarded(
  call: AnyFunction,
  policy: ErrorPolicy | undefined,
  context: OperatorContext,
): AnyFunction {
  const onFailure = failureHandler(policy, context);
  if (onFailure === undefined) return call;
  return (record: unknown, scope: { readonly timestamp: number }): unknown => {
    try {
      return call(record, scope);
    } catch (error) {
      onFailure(error, record, scope.timestamp);
      return undefined;
    }
  };
}

/** Throws OPTION_INVALID for what is no policy. */
export function checkPolicy(policy: unknown): void {
  const isName = typeof policy === "object" && (policy as DeadLetters | null)?.kind === "dead-letters";
  if (policy === undefined || policy === "fail" || policy === "skip" || isName) return;
  throw new MillraceError("OPTION_INVALID", `onError: ${JSON.stringify(policy)}`, {
    hint: 'onError is "fail", "skip" or deadLetter(name).',
  });
}

function letterOf(error: unknown, record: unknown, operator: string, timestamp: number): DeadLetter {
  const known = error instanceof Error ? error : undefined;
  return {
    record,
    error: { name: known?.name ?? "Error", message: messageOf(error), stack: known?.stack ?? null },
    operator,
    timestamp: Number.isNaN(timestamp) ? null : timestamp,
  };
}
