import type { AnyFunction, OperatorLogic } from "./contract.js";
import { refusePromise } from "./promise-check.js";

/** One record in, one out. */
export function mapLogic(transform: AnyFunction): OperatorLogic {
  return {
    functions: [transform],
    inline(site, value, timestamp) {
      const result = site.fresh();
      site.line(`${result} = ${site.bind(transform, "map")}(${value});`);
      site.line(`if (${result} instanceof Promise) ${site.bind(refusePromise, "refusePromise")}(${result});`);
      site.emit(result, timestamp);
    },
  };
}
