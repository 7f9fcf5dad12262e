import { refusePromise } from "../base/promise-check.js";
import type { OperatorLogic } from "./contract.js";
import { type ErrorPolicy, writeGuarded } from "./error-policy.js";
import { CheckedFunction, type UserFunction } from "./user-function.js";

/** One record in, one out. */
export function mapLogic(transform: UserFunction, onError?: ErrorPolicy): OperatorLogic {
  const user = new CheckedFunction(transform, "map");
  return {
    ...user.logic,
    inline(site, value, timestamp, opened) {
      const result = site.fresh();
      writeGuarded(site, onError, value, timestamp, {
        call: `${result} = ${user.call(site, value, opened)};`,
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
