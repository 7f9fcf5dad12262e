// @hot ~30 ns a record over the lookup; guarded by benchmarks/nexmark (q5, q7)
/**
 * Local combine: aggregates a subtask's own records by pane before they cross threads, and sends one
 * partial per group and pane.
 *
 * A pane is sent when the local watermark passes its end, before that watermark goes on. The windows
 * downstream wait for the smallest watermark of all their inputs, so no partial comes late that the
 * record itself would not have been; a record that is late here goes on with the next watermark, and the
 * window decides.
 */
import { accumulatorCode } from "./accumulators.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type GroupCode, groupCode } from "./group-code.js";
import { groupPart } from "./group-part.js";
import type { GroupTable } from "./group-table.js";
import { Panes } from "./panes.js";
import type { WindowSpec } from "./window-aggregate.js";

export function windowCombineLogic(spec: WindowSpec): OperatorLogic {
  const code = accumulatorCode(spec.aggregates, { counted: true });
  return {
    functions: [],
    create: (context) => new WindowCombine(context, groupCode(code, spec.key), spec),
  };
}

class WindowCombine implements Operator {
  private readonly context: OperatorContext;
  private readonly code: GroupCode;
  private readonly panes: Panes;
  private sending: { readonly pane: number; readonly table: GroupTable; next: number } | undefined;

  constructor(context: OperatorContext, code: GroupCode, spec: WindowSpec) {
    this.context = context;
    this.code = code;
    this.panes = new Panes(code, spec.assigner);
    context.parts.declare(
      groupPart({
        name: "gathered",
        // They go to the owner of their key from wherever they are.
        scope: "split",
        code,
        maxParallelism: context.maxParallelism,
        freeze: (_wanted, into) => this.panes.freeze(into),
        load: (partial) => {
          code.addPartial(this.panes.at(partial.w), partial);
        },
      }),
    );
  }

  element(record: unknown, timestamp: number): void {
    this.code.add(this.panes.at(timestamp), record);
  }

  advance(watermark: number): boolean {
    for (;;) {
      if (this.sending !== undefined && !this.send()) return false;
      const pane = this.panes.earliest();
      if (pane === Number.POSITIVE_INFINITY || pane + this.panes.size - 1 > watermark) return true;
      this.sending = { pane, table: this.panes.get(pane)!, next: 0 };
    }
  }

  finish(): boolean {
    return this.advance(Number.POSITIVE_INFINITY);
  }

  private send(): boolean {
    const sending = this.sending!;
    const { table, pane } = sending;
    const { out, gate } = this.context;
    const timestamp = pane + this.panes.size - 1;
    while (sending.next < table.size) {
      if (gate.level !== 0) return false;
      out(this.code.partial(table, sending.next++, pane), timestamp);
    }
    this.panes.delete(pane);
    this.sending = undefined;
    return true;
  }
}
