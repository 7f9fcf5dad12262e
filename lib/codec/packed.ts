/**
 * msgpackr, for what the generated codecs do not carry. Values of a batch are packed together.
 * Known differences to structured clone: -0 comes back as 0, a null prototype as an ordinary object,
 * a field named `__proto__` under another name.
 * Unpacking straight from shared memory is 30 times slower (msgpackr's native strings fail on it), so the
 * bytes are copied out first.
 */
import { Packr } from "msgpackr";

type Options = ConstructorParameters<typeof Packr>[0];
const types = { moreTypes: true, structuredClone: true, useBigIntExtension: true };
const bundling = new Packr({ ...types, bundleStrings: true } as Options);
const plain = new Packr(types as Options);

/** `retained`: whoever unpacks keeps values; their texts must not be slices of one bundle. */
export function pack(values: readonly unknown[], retained: boolean): Buffer {
  return (retained ? plain : bundling).pack(values);
}

/** `bytes` may lie in shared memory. */
export function unpack(bytes: Uint8Array): unknown[] {
  return bundling.unpack(Buffer.from(bytes)) as unknown[];
}

/** `bytes` must not lie in shared memory. */
export function unpackInPlace(bytes: Buffer): unknown[] {
  return plain.unpack(bytes) as unknown[];
}
