/** Every limit of the engine with its reason. */

/** A frame's size. At 1.4 GB/s it is 23 us of work: small enough to count in ms, large enough to amortise. */
export const FRAME_BYTES = 32 * 1024;

/** A frame is at least so large, however small its channel's credit: the headers of a row or two. */
export const FRAME_BYTES_MIN = 128;

/** What a channel may have in flight unless its receiver says otherwise: Flink's 10 buffers of 32 KiB. */
export const CREDIT_BYTES = 10 * FRAME_BYTES;

/** What a channel may have in flight before its receiver has measured anything; 100 ms later it may have all. */
export const CREDIT_BYTES_FIRST = FRAME_BYTES;

/** A single record, encoded. Larger ones are an error rather than a silent stall. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Capacity of one ring. P x P x edges of them exist, and shared memory cannot shrink. */
export const RING_BYTES = 512 * 1024;

/** Records that a channel holds back or queues before its sender has to suspend inside the record in hand. */
export const HELD_RECORDS_MAX = 65_536;

/** Shapes of records one channel tells apart; further ones travel by the general codec. */
export const SHAPES_MAX = 16;

/** How often one channel may learn; what still varies afterwards travels by the general codec. */
export const SHAPE_CHANGES_MAX = 64;

/** Fields of a record for which code is generated. */
export const RECORD_FIELDS_MAX = 256;

/** How long the rounds of a host run before the event loop may turn. */
export const ROUND_MS = 2;

/** A task's snapshot of fewer bytes lies in the manifest itself: a file for each would cost more (Flink's 20 KB). */
export const SNAPSHOT_INLINE_BYTES = 20 * 1024;

/** How often a task tells the coordinator what its functions count: for people to look at, not worth more messages. */
export const FUNCTION_REPORT_MS = 1_000;

/** How long the packing of a snapshot may take of one turn, ms. */
export const SNAPSHOT_SLICE_MS = 1;

/** Collected rows that may wait in the main thread for somebody to read them. */
export const RESULT_ROWS_MAX = 4_000_000;

/** A Map throws at 2^24 entries; tables of state are split long before. */
export const MAP_ENTRIES_MAX = 1 << 23;

/** Elements of a list in state that are stored together: what an append writes again at most. */
export const CHUNK_ELEMENTS = 128;

/** Objects that one state keeps live before the lmdb backend: about 60 MB, and a hot key costs no read. */
export const LIVE_UNITS_MAX = 262_144;

/** ... but of large ones only as many as are packed into so many bytes, about. */
export const LIVE_BYTES_MAX = 64 * 1024 * 1024;

/** ... and never fewer: twice what may wait to be written. */
export const LIVE_UNITS_MIN = 8_192;

/** Lists whose ends the lmdb backend remembers, twice over. */
export const LIVE_LISTS_MAX = 32_768;

/** Changed values that wait for the lmdb backend to write them, in slices: the hottest ones wait for ever. */
export const DIRTY_VALUES_MAX = 131_072;

/** The same of maps and lists: going through one writes them first, which has to take a few ms only. */
export const DIRTY_UNITS_MAX = 2_048;

/** Changes the lmdb backend remembers for a delta: about 200 MB; beyond, the next snapshot is a full one. */
export const CHANGES_MAX = 1 << 20;

/** Characters of a record shown in an error. */
export const RECORD_PRINT_CHARS = 300;

/** A block of an Avro file, unpacked: writers make them of some MB at most; damage would ask for anything. */
export const AVRO_BLOCK_BYTES_MAX = 256 * 1024 * 1024;

/** Part files that one sink subtask keeps open, one a bucket: open files and gathered text are bounded by it. */
export const OPEN_BUCKETS_MAX = 64;

/** How long a reactive job does not try again after a rescale has failed; twice as long after each further one. */
export const RESCALE_COOLDOWN_MS = 30_000;

/** ... and never longer: what stood in the way may be gone. */
export const RESCALE_COOLDOWN_MAX_MS = 600_000;
