/** Kinds of frames beside the codec's own (1 to 15): what travels in band with the records. */
export const ElementKind = {
  /** Payload: the watermark as a double. */
  WATERMARK: 16,
  IDLE: 17,
  ACTIVE: 18,
  /** No more will come over this channel. */
  END: 19,
} as const;
