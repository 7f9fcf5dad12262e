/**
 * When a reactive job takes another parallelism. Pure: what was seen and what happened come in, a decision goes out;
 * time is a number in the events.
 *
 * After Flink's reactive mode and adaptive scheduler, with one difference: a slot is a thread and does not go away
 * with its core, so fewer cores are a reason to rescale and not a failure.
 *
 * - More cores must have been there all the time for `stabilisationMs`; the job takes the fewest that there were
 *   meanwhile. Cores that come and go between 3 and 4 are thus used as 3, and none is used that may go at once.
 * - Fewer must have been so for `decreaseMs`, which is shorter: a core too few for the threads stalls all of them
 *   (a quota stops every thread of the process for the rest of the period), a core too many is only idle.
 * - Nothing is decided while a rescale is under way or the job does not run: what was seen counts from there anew.
 *   So two decisions are always apart by the time that the second one needs, however the cores flap.
 * - After a decision that could not be carried out nothing is decided for a cool-down, which doubles each time.
 * - Who asks for a number gets it, and the job keeps it until somebody asks for what there is ("auto").
 */

export interface ScalingSettings {
  readonly stabilisationMs: number;
  readonly decreaseMs: number;
  /** A smaller increase is not worth a pause. A decrease of any size is. */
  readonly minIncrease: number;
  /** After the first failure. */
  readonly cooldownMs: number;
  readonly cooldownMaxMs: number;
}

export type ScalingEvent =
  /** How things are. `target`: the parallelism that the job would have if it were started now. */
  | {
      readonly kind: "looked";
      readonly at: number;
      readonly running: boolean;
      readonly parallelism: number;
      readonly target: number;
    }
  /** Somebody has asked for a rescale. */
  | { readonly kind: "asked" }
  /** The tasks run again. */
  | { readonly kind: "rescaled"; readonly by: RescaledBy }
  /** Nothing has changed. */
  | { readonly kind: "failed"; readonly by: RescaledBy; readonly at: number };

/** Who wanted it: the policy, or somebody who asked for a number or for what there is ("auto"). */
export type RescaledBy = "policy" | "number" | "auto";

export interface ScalingState {
  /** Rescales decided or asked for that have not ended. */
  readonly underWay: number;
  readonly isPinned: boolean;
  /** Rescales decided here that failed, one after the other. */
  readonly failures: number;
  /** The end of the cool-down. */
  readonly notBefore: number;
  /** Since when the target has been above the parallelism, or below it, and the least of it meanwhile. */
  readonly trend: Trend | undefined;
}

interface Trend {
  readonly isIncrease: boolean;
  readonly since: number;
  readonly target: number;
}

export interface ScalingStep {
  readonly state: ScalingState;
  /** To be carried out now; the state counts it as begun. */
  readonly rescaleTo: number | undefined;
}

export const INITIAL_SCALING: ScalingState = {
  underWay: 0,
  isPinned: false,
  failures: 0,
  notBefore: Number.NEGATIVE_INFINITY,
  trend: undefined,
};

export function scalingStep(
  state: ScalingState,
  event: ScalingEvent,
  settings: ScalingSettings,
): ScalingStep {
  switch (event.kind) {
    case "looked":
      return look(state, event, settings);
    case "asked":
      return quiet({ ...state, underWay: state.underWay + 1, trend: undefined });
    case "rescaled": {
      const isPinned = event.by === "policy" ? state.isPinned : event.by === "number";
      return quiet({ ...ended(state), isPinned, failures: 0 });
    }
    case "failed": {
      if (event.by === "number") return quiet(ended(state));
      if (event.by === "auto") return quiet({ ...ended(state), isPinned: false });
      const cooldown = settings.cooldownMs * 2 ** state.failures;
      return quiet({
        ...ended(state),
        failures: state.failures + 1,
        notBefore: event.at + Math.min(cooldown, settings.cooldownMaxMs),
      });
    }
  }
}

function look(
  state: ScalingState,
  facts: Extract<ScalingEvent, { kind: "looked" }>,
  settings: ScalingSettings,
): ScalingStep {
  const { at, running } = facts;
  const trend =
    running && state.underWay === 0 && !state.isPinned ? trendOf(state, facts, settings) : undefined;
  if (trend === undefined) return quiet({ ...state, trend });
  const needed = trend.isIncrease ? settings.stabilisationMs : settings.decreaseMs;
  if (at - trend.since < needed || at < state.notBefore) return quiet({ ...state, trend });
  return { state: { ...state, underWay: 1, trend: undefined }, rescaleTo: trend.target };
}

function trendOf(
  { trend }: ScalingState,
  { at, parallelism, target }: Extract<ScalingEvent, { kind: "looked" }>,
  { minIncrease }: ScalingSettings,
): Trend | undefined {
  const isIncrease = target >= parallelism + minIncrease;
  if (!isIncrease && target >= parallelism) return undefined;
  if (trend === undefined || trend.isIncrease !== isIncrease) return { isIncrease, since: at, target };
  const nearest = isIncrease ? Math.min(trend.target, target) : Math.max(trend.target, target);
  return { ...trend, target: nearest };
}

function ended(state: ScalingState): ScalingState {
  return { ...state, underWay: state.underWay - 1, trend: undefined };
}

function quiet(state: ScalingState): ScalingStep {
  return { state, rescaleTo: undefined };
}
