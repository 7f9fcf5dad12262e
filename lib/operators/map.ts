import type { AnyFunction, OperatorLogic } from "./contract.js";

/** One record in, one out. */
export function mapLogic(transform: AnyFunction): OperatorLogic {
  return {
    functions: [transform],
    inline(site, value, timestamp) {
      const result = site.fresh();
      site.line(`${result} = ${site.bind(transform, "map")}(${value});`);
      site.emit(result, timestamp);
    },
  };
}
