/** What a test tells a job to do, one after the other; every variation goes through the same steps. */
import { inspect } from "node:util";

export type Step =
  | {
      readonly do: "push";
      readonly source: string;
      readonly record: unknown;
      readonly at: number | undefined;
    }
  /** Without a source: all of them. */
  | { readonly do: "watermark"; readonly source: string | undefined; readonly watermark: number }
  | { readonly do: "clock"; readonly ms: number }
  | { readonly do: "end" };

export function printStep(step: Step): string {
  switch (step.do) {
    case "push":
      return `push(${inspect(step.record, { breakLength: Number.POSITIVE_INFINITY })}) into "${step.source}"`;
    case "watermark":
      return `advanceWatermark(${step.watermark})${step.source === undefined ? "" : ` of "${step.source}"`}`;
    case "clock":
      return `advanceClock(${step.ms})`;
    default:
      return "end()";
  }
}
