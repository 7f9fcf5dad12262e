/**
 * Whether a task may go on emitting. Written by the task's outputs, read between records by whatever emits.
 *
 * level 0: open. level 1: an output is out of credit: finish the record in hand, then stop.
 * level 2: an output's overflow is full: suspend inside the record in hand.
 */
export interface Gate {
  level: number;
}
