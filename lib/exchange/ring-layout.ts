/**
 * One ring: a single writer, a single reader, frames of variable length in shared memory.
 *
 *   byte 0     tail    bytes published, modulo 2^32       written by: RingWriter
 *   byte 4     skipped bytes at the last lap's end        written by: RingWriter
 *   byte 128   head    bytes released, modulo 2^32        written by: RingReader
 *   byte 256   credit  bytes that may be in flight        written by: RingReader
 *   byte 384   mark    version, odd while it is written   written by: RingWriter
 *   byte 388   mark    the tail when it was set           written by: RingWriter
 *   byte 392   mark    length of its content              written by: RingWriter
 *   byte 512   mark    content                            written by: RingWriter
 *   byte 1024  frames  capacity bytes, a power of two
 *
 * The mark is a message that is read before the frames in front of it: a barrier that overtakes them.
 *
 * A frame lies whole, 8-byte aligned, never across the end; what is left there is skipped by a wrap mark, and counts
 * as published, though not as in flight. A writer with little credit turns before the end, so that the rest of the
 * memory is never touched:
 *
 *   | i32 kind | i32 length | i32 records | i32 0 | length bytes, padded to 8 |
 *   | i32 -1   | (the rest up to the end of the memory is skipped)            |
 */
export const TAIL = 0;
export const SKIPPED = 1;
export const HEAD = 32;
export const CREDIT = 64;
export const MARK_VERSION = 96;
export const MARK_TAIL = 97;
export const MARK_LENGTH = 98;
export const MARK_AT = 512;
export const MARK_BYTES = 512;
export const FRAMES_AT = 1024;
export const FRAME_HEADER = 16;
export const WRAP = -1;

/** What a frame of `length` bytes takes in the ring. */
export function frameSpace(length: number): number {
  return FRAME_HEADER + ((length + 7) & ~7);
}

/** Bytes of frames between head and tail; `skipped`: at the end of the lap before the tail's. */
export function bytesBetween(head: number, tail: number, skipped: number, capacity: number): number {
  const lap = tail & -capacity;
  return ((tail - head) | 0) - (((lap - head) | 0) > 0 ? skipped : 0);
}
