/**
 * msgpackr, for what the generated codecs do not carry. Values of a batch are packed together.
 * Known differences to structured clone: -0 comes back as 0, a null prototype as an ordinary object.
 * Unpacking straight from shared memory is 30 times slower (msgpackr's native strings fail on it), so the
 * bytes are copied out first.
 */
import { Packr } from "msgpackr";

const packr = new Packr({
  bundleStrings: true,
  moreTypes: true,
  structuredClone: true,
  useBigIntExtension: true,
} as ConstructorParameters<typeof Packr>[0]);

export function pack(values: readonly unknown[]): Buffer {
  return packr.pack(values);
}

/** `bytes` may lie in shared memory. */
export function unpack(bytes: Uint8Array): unknown[] {
  return packr.unpack(Buffer.from(bytes)) as unknown[];
}
