import type { AnyFunction, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, writeGuarded } from "./error-policy.js";
import { refusePromise } from "./promise-check.js";

/** One record in, one out. */
export function mapLogic(transform: AnyFunction, onError?: ErrorPolicy): OperatorLogic {
  return {
    functions: [transform],
    inline(site, value, timestamp) {
      const result = site.fresh();
      writeGuarded(site, onError, value, timestamp, {
        call: `${result} = ${site.bind(transform, "map")}(${value});`,
        goOn() {
          site.line(
            `if (${result} instanceof Promise) ${site.bind(refusePromise, "refusePromise")}(${result});`,
          );
          site.emit(result, timestamp);
        },
      });
    },
  };
}
