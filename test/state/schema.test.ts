import { expect } from "chai";
import { checkCompatible, schemaDiff } from "../../lib/state/schema.js";

const typed = (types: Record<string, string>) => ({ kind: "value", types });

describe("state schemas", () => {
  it("fit what has the same kind and types, or declares none", () => {
    expect(schemaDiff({ kind: "map" }, { kind: "map" })).to.equal(undefined);
    expect(schemaDiff({ kind: "value" }, typed({ a: "string" }))).to.equal(undefined);
    expect(schemaDiff(typed({ a: "string" }), { kind: "value" })).to.equal(undefined);
    expect(schemaDiff(typed({ a: "string" }), typed({ a: "string" }))).to.equal(undefined);
  });

  it("fit where a field was taken away, added as optional, or made optional", () => {
    expect(schemaDiff(typed({ a: "string", b: "number" }), typed({ a: "string" }))).to.equal(undefined);
    expect(schemaDiff(typed({ a: "string" }), typed({ a: "string", b: "number?" }))).to.equal(undefined);
    expect(schemaDiff(typed({ a: "string" }), typed({ a: "string?" }))).to.equal(undefined);
  });

  it("show every difference that does not fit", () => {
    const saved = typed({ id: "string", balance: "number", note: "string?", same: "boolean" });
    const declared = {
      kind: "list",
      types: { same: "boolean", note: "string", id: "string", balance: "string", at: "date" },
    };
    expect(schemaDiff(saved, declared)).to.equal(
      [
        "- kind: value",
        "+ kind: list",
        "+ at: date",
        "- balance: number",
        "+ balance: string",
        "- note: string?",
        "+ note: string",
      ].join("\n"),
    );
  });

  it("that do not fit are refused with operator, state and difference", () => {
    checkCompatible("fraud", "small", typed({}), typed({}));
    expect(() => checkCompatible("fraud", "small", { kind: "value" }, { kind: "map" }))
      .to.throw('the saved state "small" is not what the job declares:\n- kind: value\n+ kind: map')
      .with.property("code", "STATE_INCOMPATIBLE");
    expect(() => checkCompatible("fraud", "small", { kind: "value" }, { kind: "map" }))
      .to.throw()
      .with.nested.property("place.operator", "fraud");
  });
});
