/** Answers a query over the first events of the stream; of an updating query it gives the final table. */
export type HandLoop = (events: number, rate: number, out: (row: unknown) => void) => void;
