/**
 * Metrics of every subtask of a job in one piece of shared memory, so that the coordinator reads them
 * without asking a thread that may be busy or hung.
 *
 *   row r = one subtask:  | recordsIn | recordsOut | bytesIn | ... |   FIELDS doubles
 *
 * Single writer of a row: the slot that runs the subtask. Doubles are aligned; a reader may see a field a
 * turn older than its neighbour, never half a field.
 */
export const METRIC_FIELDS = [
  "recordsIn",
  "recordsOut",
  "bytesIn",
  "bytesOut",
  "busyMs",
  "idleMs",
  "backPressuredMs",
  "watermark",
  /** Of a source: 1 while it is idle; of one that is aligned with others, also while it has no split. */
  "sourceIdle",
  "consumed",
  "lateRecordsDropped",
  "recordsFailed",
  "finished",
  /** Bytes that the task's channels may have in flight: as announced to the senders, and as measured last. */
  "debloatedBufferSize",
  "instantBufferSize",
  /** In how many ms the task would be through with what its channels have in flight. */
  "estimatedTimeToConsumeBuffersMs",
  /** In the task's channels, as far as the task can see them, and on its own side of what it sends. */
  "bytesInFlight",
  /** Bytes a second that the task takes while it does not wait for input. */
  "throughput",
  /** Bytes that the task may have in flight in the channels that it sends to, as their receivers have announced. */
  "creditBytes",
] as const;

export type MetricField = (typeof METRIC_FIELDS)[number];
export type MetricValues = Record<MetricField, number>;

const WIDTH = METRIC_FIELDS.length;
const PLACE = Object.fromEntries(METRIC_FIELDS.map((field, i) => [field, i])) as Record<MetricField, number>;

export function createTaskMetrics(subtasks: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(subtasks * WIDTH * 8);
  const view = new Float64Array(memory);
  const watermark = PLACE.watermark;
  for (let row = 0; row < subtasks; row++) view[row * WIDTH + watermark] = Number.NEGATIVE_INFINITY;
  return memory;
}

/** One subtask's row. */
export class TaskMetrics {
  private readonly view: Float64Array;

  constructor(memory: SharedArrayBuffer, row: number) {
    this.view = new Float64Array(memory, row * WIDTH * 8, WIDTH);
  }

  set(field: MetricField, value: number): void {
    this.view[PLACE[field]] = value;
  }

  get(field: MetricField): number {
    return this.view[PLACE[field]]!;
  }

  add(field: MetricField, value: number): void {
    this.view[PLACE[field]]! += value;
  }

  /** The subtask begins anew. */
  clear(): void {
    this.view.fill(0);
    this.set("watermark", Number.NEGATIVE_INFINITY);
  }

  read(): MetricValues {
    return Object.fromEntries(METRIC_FIELDS.map((field, i) => [field, this.view[i]!])) as MetricValues;
  }
}
