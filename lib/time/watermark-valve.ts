/** The watermark before anything is known, and the one that says that nothing more will come. */
export const WATERMARK_MIN = Number.NEGATIVE_INFINITY;
export const WATERMARK_MAX = Number.POSITIVE_INFINITY;

const ACTIVE = 0;
const IDLE = 1;
const ENDED = 2;

/**
 * Combines the watermarks of a task's inputs: the smallest over those that are active (Flink's StatusWatermarkValve).
 *
 * Invariants
 * - `current` never goes back.
 * - An idle input is left out, and what it says meanwhile is ignored. One that becomes active again behind `current`
 *   is left out until it has caught up: it does not hold the others back, its records until then are late.
 * - When the last active input becomes idle nothing is waited for any more: `current` goes up to the largest
 *   watermark of all inputs.
 * - WATERMARK_MAX ends an input: it is left out. `current` is WATERMARK_MAX only when all have ended. (Here Flink
 *   differs: an input that has ended counts, so that event time comes to its end where all others are idle.)
 */
export class WatermarkValve {
  current = WATERMARK_MIN;
  private readonly marks: Float64Array;
  private readonly status: Uint8Array;
  private readonly aligned: Uint8Array;
  /** Inputs that are active; inputs that have not ended. */
  private active: number;
  private open: number;

  constructor(inputs: number) {
    this.marks = new Float64Array(inputs).fill(WATERMARK_MIN);
    this.status = new Uint8Array(inputs);
    this.aligned = new Uint8Array(inputs).fill(1);
    this.active = inputs;
    this.open = inputs;
  }

  /** Nothing is expected from any input, but not all have ended. */
  get allIdle(): boolean {
    return this.active === 0 && this.open > 0;
  }

  /** True when the combined watermark advanced. */
  update(input: number, watermark: number): boolean {
    if (watermark === WATERMARK_MAX) return this.end(input);
    if (this.status[input] !== ACTIVE || !(watermark > this.marks[input]!)) return false;
    this.marks[input] = watermark;
    if (watermark >= this.current) this.aligned[input] = 1;
    return this.toLeast();
  }

  /** True when the combined watermark advanced. */
  setIdle(input: number, idle: boolean): boolean {
    if (this.status[input] !== (idle ? ACTIVE : IDLE)) return false;
    if (idle) {
      this.status[input] = IDLE;
      this.active--;
      return this.leaveOut(input);
    }
    this.status[input] = ACTIVE;
    this.active++;
    this.aligned[input] = this.marks[input]! >= this.current ? 1 : 0;
    return false;
  }

  private end(input: number): boolean {
    if (this.status[input] === ENDED) return false;
    if (this.status[input] === ACTIVE) this.active--;
    this.status[input] = ENDED;
    this.open--;
    return this.open === 0 ? this.advance(WATERMARK_MAX) : this.leaveOut(input);
  }

  private leaveOut(input: number): boolean {
    const wasAligned = this.aligned[input] === 1;
    this.aligned[input] = 0;
    if (this.active > 0) return this.toLeast();
    return wasAligned && this.toLargest();
  }

  private toLeast(): boolean {
    let least = WATERMARK_MAX;
    for (let i = 0; i < this.marks.length; i++) {
      if (this.aligned[i] === 1 && this.marks[i]! < least) least = this.marks[i]!;
    }
    return least !== WATERMARK_MAX && this.advance(least);
  }

  private toLargest(): boolean {
    let largest = WATERMARK_MIN;
    for (const mark of this.marks) if (mark > largest) largest = mark;
    return this.advance(largest);
  }

  private advance(watermark: number): boolean {
    if (watermark <= this.current) return false;
    this.current = watermark;
    return true;
  }
}
