/**
 * A batch, the content of one BATCH frame (all offsets from its begin, 8-byte aligned):
 *
 *   | i32 rows | i32 strings at | i32 string bytes | i32 encoding | i32 packed bytes | i32 0 |
 *   | row | row | ...                                                                        |
 *   | all strings of the batch, one text | all packed values, one msgpack array              |
 *
 *   encoding 0: one byte a character (pure ASCII), 1: UTF-16
 *
 * A row is a *section* with a head; the elements of its lists follow as sections without one:
 *
 *   | u16 shape, u16 key group | i32 first small column | f64 timestamp | f64 columns | i32 columns |
 *   | element of the first list | ... | elements of the elements' lists | ...
 *
 * Small columns (4 bytes): int, boolean, length of a string or ~index in the column's dictionary, length of
 * a list, index of a packed value, and before each nullable or optional column its tag.
 */
export const BATCH_HEADER = 24;
export const ROWS = 0;
export const STRINGS_AT = 1;
export const STRING_BYTES = 2;
export const ENCODING = 3;
export const PACKED_BYTES = 4;

/** A tag before a nullable or optional column. */
export const TAG = { VALUE: 0, NULL: 1, UNDEFINED: 2, ABSENT: 3 } as const;

/** A FRAGMENT frame: | i32 kind of the whole | i32 its length | i32 offset of this part | i32 0 | part |. */
export const FRAGMENT_HEADER = 16;
