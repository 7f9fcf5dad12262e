/**
 * A flat copy of a string. A string decoded from a batch is a slice that keeps the whole batch's text
 * alive (24 KB for 40 characters); what goes into state must be its own.
 */
const scratch = Buffer.allocUnsafeSlow(4096);
const writer = scratch as unknown as NativeText;

/** V8 copies substrings shorter than this by itself. */
const SLICE_MIN = 13;

/** Node's own text methods, which its types leave out. */
export interface NativeText {
  utf8Write(text: string, offset: number): number;
  ucs2Write(text: string, offset: number): number;
  latin1Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
}

export function ownString(text: string): string {
  const { length } = text;
  if (length < SLICE_MIN) return text;
  if (length > scratch.length / 2) return Buffer.from(text, "utf16le").toString("utf16le");
  if (writer.utf8Write(text, 0) === length) return writer.latin1Slice(0, length);
  writer.ucs2Write(text, 0);
  return writer.ucs2Slice(0, length * 2);
}
