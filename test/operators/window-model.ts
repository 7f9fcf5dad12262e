/**
 * What windows answer, said as simply as can be: every window is a list of records, watermarks go through all of them.
 * Event time, a result when the watermark passes the end and for every record after it (the default trigger).
 */
export interface ModelRecord {
  readonly key: string;
  readonly at: number;
  readonly gap: number;
}

export interface ModelWindow {
  readonly key: string;
  start: number;
  end: number;
  records: number[];
  fired: boolean;
}

export type ModelRow = [key: string, start: number, end: number, times: readonly number[]];

export class WindowModel {
  readonly rows: ModelRow[] = [];
  readonly late: number[] = [];
  private windows: ModelWindow[] = [];
  private watermark = Number.NEGATIVE_INFINITY;
  private readonly assign: (record: ModelRecord) => [start: number, end: number][];
  private readonly merges: boolean;
  private readonly lateness: number;

  constructor(
    assign: (record: ModelRecord) => [start: number, end: number][],
    merges: boolean,
    lateness: number,
  ) {
    this.assign = assign;
    this.merges = merges;
    this.lateness = lateness;
  }

  add(record: ModelRecord): void {
    let taken = false;
    for (const [start, end] of this.assign(record)) {
      const given = { key: record.key, start, end, records: [], fired: false };
      const window = this.merges ? this.merged(given) : this.known(given);
      if (this.isOver(window)) continue;
      taken = true;
      if (!this.windows.includes(window)) this.windows.push(window);
      window.records.push(record.at);
      if (window.end - 1 <= this.watermark) this.fire(window);
    }
    if (!taken && record.at + this.lateness <= this.watermark) this.late.push(record.at);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    const due = this.windows.filter(({ end, fired }) => !fired && end - 1 <= watermark);
    for (const window of due.sort((a, b) => a.end - b.end)) this.fire(window);
    this.windows = this.windows.filter((window) => !this.isOver(window));
  }

  private fire(window: ModelWindow): void {
    window.fired = true;
    this.rows.push([window.key, window.start, window.end, [...window.records].sort((a, b) => a - b)]);
  }

  private isOver({ end }: ModelWindow): boolean {
    return end - 1 + this.lateness <= this.watermark;
  }

  private known(given: ModelWindow): ModelWindow {
    return (
      this.windows.find(
        (each) => each.key === given.key && each.start === given.start && each.end === given.end,
      ) ?? given
    );
  }

  /** The given window with all that it touches, in the place of them. A longer one has not fired yet. */
  private merged(given: ModelWindow): ModelWindow {
    const touched = this.windows.filter(
      ({ key, start, end }) => key === given.key && start <= given.end && given.start <= end,
    );
    if (touched.length === 0) return given;
    const start = Math.min(given.start, ...touched.map((each) => each.start));
    const end = Math.max(given.end, ...touched.map((each) => each.end));
    const only = touched[0]!;
    if (touched.length === 1 && only.start === start && only.end === end) return only;
    this.windows = this.windows.filter((each) => !touched.includes(each));
    const records = touched.flatMap((each) => each.records);
    return { key: given.key, start, end, records, fired: end - 1 <= this.watermark };
  }
}
