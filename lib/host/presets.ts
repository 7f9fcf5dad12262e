/** What a slot's thread is given, where nobody says otherwise. */

/**
 * Young generation of a slot's heap, MiB. Large: a twentieth to an eighth less CPU, and rounds of up to 80 ms where
 * records are retained; small: of up to 28 (`npm run bench -- slots`).
 */
export const YOUNG_MB = { throughput: 192, latency: 24 } as const;

export type Preset = keyof typeof YOUNG_MB;

/** Old generation of a slot's heap, MiB. */
export const SLOT_HEAP_MB = 2048;

/** How long a batch waits for more records, ms. */
export const BUFFER_TIMEOUT_MS = 100;
