/**
 * Travels in band from a source through all tasks, past their operators: it measures how long records wait in channels
 * and for the records before them. It is in no checkpoint; a failure loses it.
 */
export interface LatencyMarker {
  /** The source's vertex. */
  readonly source: number;
  /** Wall time at the source, ms. */
  readonly at: number;
}
