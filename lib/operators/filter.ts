import { refusePromise } from "../base/promise-check.js";
import type { OperatorLogic } from "./contract.js";
import { type ErrorPolicy, writeGuarded } from "./error-policy.js";
import { CheckedFunction, type UserFunction } from "./user-function.js";

/** Keeps the records for which the predicate holds. */
export function filterLogic(predicate: UserFunction, onError?: ErrorPolicy): OperatorLogic {
  const user = new CheckedFunction(predicate, "filter");
  return {
    ...user.logic,
    inline(site, value, timestamp, opened) {
      const holds = site.fresh();
      writeGuarded(site, onError, value, timestamp, {
        call: `${holds} = ${user.call(site, value, opened)};`,
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
