/** `--restart <strategy>[:key=value,...]`: a restart strategy in one word, and which options each one knows. */
import { MillraceError } from "../base/error.js";
import type { RestartOptions } from "../checkpoint/restart-strategy.js";

const OPTIONS: Readonly<Record<RestartOptions["strategy"], readonly string[]>> = {
  none: [],
  "fixed-delay": ["attempts", "delay"],
  "failure-rate": ["failures", "interval", "delay"],
  "exponential-delay": ["initialDelay", "maxDelay", "multiplier", "resetAfter", "jitter"],
};

/** Throws OPTION_INVALID. Whether the values make sense is for the strategy to say. */
export function parseRestart(text: string): RestartOptions {
  const colon = text.indexOf(":");
  const strategy = colon < 0 ? text : text.slice(0, colon);
  const pairs = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const options = pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new MillraceError("OPTION_INVALID", `--restart ${text}: expected key=value after ":"`);
    return [pair.slice(0, at), numberOrText(pair.slice(at + 1))] as const;
  });
  return checkRestart({ strategy, ...Object.fromEntries(options) }, `--restart ${text}`);
}

/** The same, of an object; `what` names it in the error. */
export function checkRestart(options: Readonly<Record<string, unknown>>, what: string): RestartOptions {
  const { strategy, ...rest } = options;
  if (typeof strategy !== "string" || !Object.hasOwn(OPTIONS, strategy)) {
    throw new MillraceError("OPTION_INVALID", `${what}: no strategy ${JSON.stringify(strategy)}`, {
      hint: `Strategies are ${Object.keys(OPTIONS).join(", ")}.`,
    });
  }
  const known = OPTIONS[strategy as RestartOptions["strategy"]];
  const unknown = Object.keys(rest).filter((key) => !known.includes(key));
  if (unknown.length === 0) return options as unknown as RestartOptions;
  throw new MillraceError("OPTION_INVALID", `${what}: unknown ${unknown.join(", ")}`, {
    hint: known.length === 0 ? `${strategy} takes no options.` : `Known are ${known.join(", ")}.`,
  });
}

/** Numbers are numbers, durations remain text. */
function numberOrText(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
