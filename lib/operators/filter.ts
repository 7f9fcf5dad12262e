import type { AnyFunction, OperatorLogic } from "./contract.js";
import { refusePromise } from "./promise-check.js";

/** Keeps the records for which the predicate holds. */
export function filterLogic(predicate: AnyFunction): OperatorLogic {
  return {
    functions: [predicate],
    inline(site, value, timestamp) {
      const holds = site.fresh();
      site.line(`${holds} = ${site.bind(predicate, "filter")}(${value});`);
      site.line(`if (${holds}) {`);
      site.line(`if (${holds} !== true) ${site.bind(refusePromise, "refusePromise")}(${holds});`);
      site.emit(value, timestamp);
      site.line("}");
    },
  };
}
