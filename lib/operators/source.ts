import type { SourceDefinition } from "../source/contract.js";
import type { WatermarkStrategy } from "../time/watermarks.js";
import type { OperatorLogic } from "./contract.js";

/** What a thread knows of a source: the head of a chain, driven by the source task's own loop. */
export interface SourceLogic extends OperatorLogic {
  readonly source: SourceDefinition;
  readonly watermarks: WatermarkStrategy<any> | undefined;
  /** Checks and converts a record; throws RECORD_INVALID. */
  readonly validate: ((record: unknown) => unknown) | undefined;
}
