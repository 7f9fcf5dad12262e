import type { OperatorLogic } from "./contract.js";

/** Some fields of every record, in an object literal of their order. */
export function projectLogic(fields: readonly string[]): OperatorLogic {
  return {
    functions: [],
    inline(site, value, timestamp) {
      const result = site.fresh();
      const literal = fields.map((field) => `[${JSON.stringify(field)}]: ${value}[${JSON.stringify(field)}]`);
      site.line(`${result} = { ${literal.join(", ")} };`);
      site.emit(result, timestamp);
    },
  };
}
