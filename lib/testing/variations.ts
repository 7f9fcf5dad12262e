/**
 * The ways in which every case is repeated. A program that is right answers the same in all of them; each of those
 * behind the first finds mistakes that a plain run hides.
 */
export interface Variation {
  readonly name: string;
  /** What is wrong when only this one fails. */
  readonly finds: string;
  /** After every element a snapshot is taken, and another attempt goes on from it. */
  readonly restores?: boolean;
  /** Outputs take one record and refuse the next offer. */
  readonly tiny?: boolean;
  /** Every operator is a vertex of its own. */
  readonly unchained?: boolean;
  /** What is done to a record on its way from one operator to the next. */
  readonly carry?: "freeze" | "codec";
}

/** The name of a variation, for `variations` in the options of a test. */
export type VariationName = "plain" | "restored" | "tiny outputs" | "unchained" | "frozen" | "codec";

export const VARIATIONS: readonly (Variation & { readonly name: VariationName })[] = [
  { name: "plain", finds: "" },
  {
    name: "restored",
    finds:
      "after every element a snapshot is taken, and a new attempt goes on from it: look for what is kept in " +
      "variables instead of state, and for objects of state that are changed without update()",
    restores: true,
  },
  {
    name: "tiny outputs",
    finds:
      "outputs take one record and refuse the next offer: look for an operator that emits without looking at its gate",
    tiny: true,
  },
  { name: "unchained", finds: "every operator is a task of its own", unchained: true },
  {
    name: "frozen",
    finds:
      "records cannot be changed once they are emitted: look for a function that changes what it was given, or emits " +
      "an object that it goes on to change, of its state for instance",
    unchained: true,
    carry: "freeze",
  },
  {
    name: "codec",
    finds:
      "records go through the codec as between threads: look for instances of classes, and for code that compares " +
      "records by identity",
    unchained: true,
    carry: "codec",
  },
];
