import type { Output } from "./outputs.js";

/**
 * What a task tells its outputs of event time. Receivers ignore the watermarks of an idle channel: no watermark goes
 * to an output that was told last that its task is idle.
 */
export class OutputTimes {
  private readonly outputs: readonly Output[];
  /** By output: where its watermark is in `passing`. */
  private readonly places: readonly number[];
  private isIdle = false;
  private toldIdle = false;

  constructor(outputs: readonly Output[], places: readonly number[]) {
    this.outputs = outputs;
    this.places = places;
  }

  /** `isUnderWay`: a watermark is on its way through the operators, and goes out first. */
  becomeIdle(idle: boolean, isUnderWay: boolean): void {
    this.isIdle = idle;
    if (!isUnderWay) this.tell(idle);
  }

  /** `passing`: what each operator let pass. */
  watermark(passing: Float64Array): void {
    const { outputs, places } = this;
    this.tell(false);
    for (let i = 0; i < outputs.length; i++) outputs[i]!.watermark(passing[places[i]!]!);
    this.tell(this.isIdle);
  }

  private tell(idle: boolean): void {
    if (idle === this.toldIdle) return;
    this.toldIdle = idle;
    for (const output of this.outputs) output.idle(idle);
  }
}
