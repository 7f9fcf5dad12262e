/** What becomes of a record whose function throws. */
import { MillraceError, messageOf } from "../base/error.js";
import type { SourcePosition } from "../source/contract.js";
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
    /** Its `code` where that is a text, like those of `MillraceError` and of Node's own errors. */
    readonly code: string | null;
    readonly message: string;
    readonly stack: string | null;
  };
  /** Name of the operator whose function threw. */
  readonly operator: string;
  /** Event time of the record, ms; null where it has none. */
  readonly timestamp: number | null;
  /**
   * Where the source read the record that led to this one: the split's id, and the place in it as the connector
   * counts (a record's number, the position that an iterable gave). null where that is not known: behind an exchange
   * (`keyBy`, `rebalance`, another parallelism), a window or timer, below an `asyncMap`, and from connectors that do
   * not tell.
   */
  readonly source: SourcePosition | null;
}

/**
 * Sets records aside on which a function throws, under a name, with the error, the operator and where they were read;
 * `env.deadLetters(name)` is the stream of them. Of what the function did before it threw, emitted records and changed
 * state stay.
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

/**
 * Deals with what a function threw on a record; throws where that is not the function's own error. `from`: where the
 * record was read, if it is not the one in hand.
 */
export type OnFailure = (error: unknown, record: unknown, timestamp: number, from?: SourcePosition) => void;

/** The side output of dead letters under a name. */
export function deadLetterTag(name: string): string {
  return `dead-letters:${name}`;
}

/** Absent where errors fail the job: then nothing is caught. */
export function failureHandler(
  policy: ErrorPolicy | undefined,
  context: Pick<OperatorContext, "operator" | "counters" | "side" | "sourcePosition">,
): OnFailure | undefined {
  if (policy === undefined || policy === "fail") return undefined;
  const emit = policy === "skip" ? undefined : context.side(deadLetterTag(policy.name));
  return (error, record, timestamp, from) => {
    // What the function emitted met an error further down: that is not this record's fault.
    if (MillraceError.is(error) && error.place.operator !== undefined) throw error;
    context.counters.recordsFailed++;
    emit?.(letterOf(error, { record, timestamp, from }, context), timestamp);
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
  if (policy === "skip") site.line(`${handled}.count();`);
  else {
    const letter = site.fresh();
    site.line(`${letter} = ${handled}.letterOf(${thrown}.error, ${value}, ${timestamp});`);
    site.side(deadLetterTag(policy.name), letter, timestamp);
  }
  site.line("}");
}

/** What generated code does with a record that has failed. */
class InlineFailures {
  private readonly site: Pick<EmitSite, "operator" | "counters" | "sourcePosition">;

  constructor({ operator, counters, sourcePosition }: EmitSite) {
    this.site = { operator, counters, sourcePosition };
  }

  count(): void {
    this.site.counters.recordsFailed++;
  }

  letterOf(error: unknown, record: unknown, timestamp: number): DeadLetter {
    this.count();
    return letterOf(error, { record, timestamp }, this.site);
  }
}

/** The same functions, with the errors of those named dealt with; themselves where there is no policy. */
export function guarded<F extends Readonly<Record<M, AnyFunction>>, M extends string>(
  functions: F,
  names: readonly M[],
  policy: ErrorPolicy | undefined,
  context: OperatorContext,
): Pick<F, M> {
  const onFailure = failureHandler(policy, context);
  if (onFailure === undefined) return functions;
  const entries = names.map((name) => {
    const call = (record: unknown, scope: { readonly timestamp: number }): unknown => {
      try {
        return functions[name](record, scope);
      } catch (error) {
        onFailure(error, record, scope.timestamp);
        return undefined;
      }
    };
    return [name, call] as const;
  });
  return Object.fromEntries(entries) as unknown as Pick<F, M>;
}

/** Throws OPTION_INVALID for what is no policy. */
export function checkPolicy(policy: unknown): void {
  const isName = typeof policy === "object" && (policy as DeadLetters | null)?.kind === "dead-letters";
  if (policy === undefined || policy === "fail" || policy === "skip" || isName) return;
  throw new MillraceError("OPTION_INVALID", `onError: ${JSON.stringify(policy)}`, {
    hint: 'onError is "fail", "skip" or deadLetter(name).',
  });
}

function letterOf(
  error: unknown,
  { record, timestamp, from }: { record: unknown; timestamp: number; from?: SourcePosition | undefined },
  { operator, sourcePosition }: Pick<EmitSite, "operator" | "sourcePosition">,
): DeadLetter {
  const known = error instanceof Error ? error : undefined;
  const code = (known as { readonly code?: unknown } | undefined)?.code;
  return {
    record,
    error: {
      name: known?.name ?? "Error",
      code: typeof code === "string" ? code : null,
      message: messageOf(error),
      stack: known?.stack ?? null,
    },
    operator,
    timestamp: Number.isNaN(timestamp) ? null : timestamp,
    source: from ?? sourcePosition() ?? null,
  };
}
