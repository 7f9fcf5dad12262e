/** What `millrace run` says on stderr about a job's checkpoints and restarts, one line each. */
import { messageOf } from "../base/error.js";
import type { CheckpointOptions } from "../coordinator/checkpoint-settings.js";
import type { Job, Recovery, Rescaling } from "../engine.js";
import { absolutePlace, placeIn } from "../storage/location.js";
import { coresText } from "./live-line.js";
import { style } from "./style.js";
import type { Assignment } from "./supervision.js";

export class Notices {
  /** Nothing but errors is printed. */
  readonly quiet: boolean;
  private readonly talks: boolean;
  private goesOn: Assignment["goesOn"];

  constructor(flags: { quiet?: boolean; json?: boolean; verbose?: boolean }, { goesOn }: Assignment) {
    this.quiet = flags.quiet === true || flags.json === true;
    this.talks = flags.verbose === true || process.stderr.isTTY === true;
    this.goesOn = goesOn;
  }

  /** Where checkpoints go. For people and for those who ask: a script knows what it has said itself. */
  begun(job: Job, checkpoint: CheckpointOptions | undefined): void {
    if (checkpoint === undefined || !this.talks) return;
    const { dir, interval } = checkpoint;
    const often = typeof interval === "number" ? `${interval} ms` : interval;
    const where = dir === undefined ? "in memory" : `in ${placeIn(absolutePlace(dir), job.id)}`;
    this.say(`checkpoints: every ${often}, ${where}`);
  }

  /** What failed, and from where the job goes on. */
  recovered({ error, checkpoint, path, subtasks }: Recovery): void {
    const failed = error ?? this.goesOn;
    this.goesOn = undefined;
    const place = this.talks && path !== undefined ? ` (${path})` : "";
    const origin = checkpoint === undefined ? "the beginning" : `checkpoint ${checkpoint}${place}`;
    if (failed === undefined) this.say(`goes on from ${origin}`);
    else this.say(`${restarted(subtasks)} from ${origin} after ${failed.code}: ${failed.message}`);
  }

  /** From what to what, why, and how long nothing was processed. */
  rescaled({ from, parallelism, cause, cores, pauseMs, error }: Rescaling): void {
    if (error !== undefined) {
      this.say(`stays at parallelism ${from} for now: ${error.code}: ${error.message}`);
      return;
    }
    const why = cause === "request" ? "as asked for" : `for ${coresText(cores)}`;
    this.say(`parallelism ${from} -> ${parallelism} ${why}, after a pause of ${Math.round(pauseMs)} ms`);
  }

  /** Other commands of the launcher do not find the job. */
  unreachable(error: unknown): void {
    this.say(`this job cannot be listed, stopped or cancelled by others: ${messageOf(error)}`);
  }

  private say(line: string): void {
    if (this.quiet) return;
    // The live line of the progress may be there; it is drawn again.
    const clear = process.stderr.isTTY === true ? "\r\u001b[2K" : "";
    process.stderr.write(`${clear}${style.dim(line)}\n`);
  }
}

/** Of a job of several regions some subtasks may restart by themselves. */
function restarted(subtasks: Recovery["subtasks"]): string {
  if (subtasks === undefined) return "restarted";
  return `${subtasks.length} ${subtasks.length === 1 ? "subtask" : "subtasks"} restarted`;
}
