/**
 * Whether state that was saved fits the state a job declares.
 *
 * The kind must be the same. Declared types are compared field by field where both sides declare them. What
 * the job no longer declares is not looked at; what it newly declares must be optional (`"string?"`), for the
 * saved values lack it; a type may become optional, and nothing else.
 */
import { MillraceError } from "../base/error.js";
import type { StateOptions, StateSchema } from "./contract.js";

/** The schema of a state as its descriptor declares it. */
export function schemaOf(kind: string, { types }: StateOptions): StateSchema {
  return types === undefined ? { kind } : { kind, types };
}

/** What does not fit, a line with `-` as saved and one with `+` as declared; undefined when all fits. */
export function schemaDiff(saved: StateSchema, declared: StateSchema): string | undefined {
  const lines: string[] = [];
  if (saved.kind !== declared.kind) lines.push(`- kind: ${saved.kind}`, `+ kind: ${declared.kind}`);
  const [before, after] = [saved.types, declared.types];
  if (before !== undefined && after !== undefined) {
    for (const field of Object.keys(after).sort()) {
      const [had, has] = [before[field], after[field]!];
      if (had === has || has === `${had}?` || (had === undefined && has.endsWith("?"))) continue;
      if (had !== undefined) lines.push(`- ${field}: ${had}`);
      lines.push(`+ ${field}: ${has}`);
    }
  }
  return lines.length === 0 ? undefined : lines.join("\n");
}

/** Throws STATE_INCOMPATIBLE with the difference where saved state does not fit. */
export function checkCompatible(
  operator: string,
  state: string,
  saved: StateSchema,
  declared: StateSchema,
): void {
  const diff = schemaDiff(saved, declared);
  if (diff === undefined) return;
  throw new MillraceError(
    "STATE_INCOMPATIBLE",
    `the saved state "${state}" is not what the job declares:\n${diff}`,
    {
      operator,
    },
  );
}
