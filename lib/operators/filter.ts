import type { AnyFunction, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, writeGuarded } from "./error-policy.js";
import { refusePromise } from "./promise-check.js";

/** Keeps the records for which the predicate holds. */
export function filterLogic(predicate: AnyFunction, onError?: ErrorPolicy): OperatorLogic {
  return {
    functions: [predicate],
    inline(site, value, timestamp) {
      const holds = site.fresh();
      writeGuarded(site, onError, value, timestamp, {
        call: `${holds} = ${site.bind(predicate, "filter")}(${value});`,
        goOn() {
          site.line(`if (${holds}) {`);
          site.line(`if (${holds} !== true) ${site.bind(refusePromise, "refusePromise")}(${holds});`);
          site.emit(value, timestamp);
          site.line("}");
        },
      });
    },
  };
}
