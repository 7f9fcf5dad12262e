// @hot one call per record
/**
 * Gives records new timestamps, and the stream watermarks of its own: what came before of event time is forgotten but
 * for its end (Flink's TimestampsAndWatermarksOperator). Each subtask makes watermarks of what it is given.
 */
import { SplitWatermarks } from "../time/split-watermarks.js";
import { timestampOf } from "../time/timestamps.js";
import { functionsOfStrategy, type WatermarkStrategy } from "../time/watermarks.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";

export function assignTimestampsLogic(strategy: WatermarkStrategy<any>): OperatorLogic {
  return {
    functions: functionsOfStrategy(strategy),
    create: (context) => new AssignTimestamps(context, strategy),
  };
}

/** A subtask's records are as those of one split. */
const ONLY = 0;

class AssignTimestamps implements Operator {
  readonly makesWatermarks = true;
  private readonly context: OperatorContext;
  private readonly strategy: WatermarkStrategy<any>;
  private readonly watermarks: SplitWatermarks;
  /** A punctuated watermark goes on right behind its record. */
  private readonly kind: WatermarkStrategy["generation"]["kind"];

  constructor(context: OperatorContext, strategy: WatermarkStrategy<any>) {
    this.context = context;
    this.strategy = strategy;
    this.kind = strategy.generation.kind;
    this.watermarks = new SplitWatermarks(strategy);
    this.watermarks.begin(1);
  }

  element(record: unknown): void {
    const { watermarks, kind } = this;
    const time = timestampOf(this.strategy.timestampOf(record));
    this.context.out(record, time);
    if (kind === "bounded") watermarks.note(ONLY, time);
    else if (kind === "periodic") watermarks.onRecord(ONLY, record, time);
    else {
      watermarks.punctuate(ONLY, record, time);
      if (watermarks.moved) this.combine();
    }
  }

  passes(watermark: number): number {
    return watermark === Number.POSITIVE_INFINITY ? watermark : this.watermarks.current;
  }

  rest(steady: number): void {
    if (this.kind === "periodic") this.watermarks.ask(steady);
    this.combine();
  }

  private combine(): void {
    if (this.watermarks.combine(this.context.now())) this.context.advanceAgain();
  }
}
