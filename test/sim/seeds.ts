/** Runs that go wrong without the fix that is named: they are run for ever. */
export interface KnownSeed {
  readonly seed: number;
  readonly topology: string;
  readonly what: string;
}

export const knownSeeds: readonly KnownSeed[] = [
  { seed: 4, topology: "shuffled", what: "an unaligned barrier in band was announced by a mark" },
  {
    seed: 19,
    topology: "windows",
    what: "a stopped job that failed while it ended began again before its savepoint",
  },
  { seed: 12, topology: "union", what: "a drained job whose savepoint failed ended with records unread" },
  { seed: 3, topology: "pipeline", what: "a checkpoint that was durable but not committed stayed under way" },
  {
    seed: 10,
    topology: "windows",
    what: "a source at its end gave the end of data behind the barrier of a stop",
  },
  {
    seed: 3,
    topology: "diamond",
    what: "a task was triggered while records of finished senders waited for it",
  },
  { seed: 301, topology: "batched", what: "a delta did not take back that the result of a group was due" },
  { seed: 13, topology: "union", what: "a task that was to end counted as one that was waited for" },
  {
    seed: 5308,
    topology: "diamond",
    what: "records in flight went into a checkpoint whose snapshot had failed instead of the next one",
  },
  {
    seed: 500_204,
    topology: "asked",
    what: "a manifest that was written and could not say so lost its blobs",
  },
  { seed: 776, topology: "lanes", what: "a split was asked for while a checkpoint was being triggered" },
];
