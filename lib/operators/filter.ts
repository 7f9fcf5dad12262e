import type { AnyFunction, OperatorLogic } from "./contract.js";

/** Keeps the records for which the predicate holds. */
export function filterLogic(predicate: AnyFunction): OperatorLogic {
  return {
    functions: [predicate],
    inline(site, value, timestamp) {
      site.line(`if (${site.bind(predicate, "filter")}(${value})) {`);
      site.emit(value, timestamp);
      site.line("}");
    },
  };
}
