/** Kinds of frames beside the codec's own (1 to 15): what travels in band with the records. */
export const ElementKind = {
  /** Payload: the watermark as a double. */
  WATERMARK: 16,
  IDLE: 17,
  ACTIVE: 18,
  /** No more records will come; barriers may. */
  END_OF_DATA: 19,
  /** Nothing more will come over this channel. */
  END: 20,
  /** Payload: the barrier as JSON. */
  BARRIER: 21,
  /** Payload: when the marker left its source as a double, and the source's vertex as u32. */
  LATENCY: 22,
} as const;
