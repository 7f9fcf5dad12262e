/** What a slot's thread is given, where nobody says otherwise. */

/**
 * Young generation of a slot's heap, MiB. Large: where records are retained a third of the time goes to collections
 * instead of most of it, in pauses of 50 ms. Small: pauses of 10 ms.
 */
export const YOUNG_MB = { throughput: 192, latency: 24 } as const;

export type Preset = keyof typeof YOUNG_MB;

/** Old generation of a slot's heap, MiB. */
export const SLOT_HEAP_MB = 2048;

/** How long a batch waits for more records, ms. */
export const BUFFER_TIMEOUT_MS = 100;
