/** Runs that once went wrong, with what was the matter: they are run for ever. */
export interface KnownSeed {
  readonly seed: number;
  readonly topology: string;
  readonly what: string;
}

export const knownSeeds: readonly KnownSeed[] = [
  { seed: 11, topology: "shuffled", what: "an unaligned barrier in band was announced by a mark" },
  {
    seed: 19,
    topology: "aggregate",
    what: "a stopped job that failed while it ended began again from before its savepoint",
  },
  { seed: 12, topology: "union", what: "a drained job whose savepoint failed ended with records unread" },
  {
    seed: 15,
    topology: "bursts",
    what: "a checkpoint that was durable but not committed stayed under way for ever",
  },
  {
    seed: 10,
    topology: "shuffled",
    what: "a source that was at its end gave the end of data behind the barrier of a stop",
  },
  {
    seed: 70,
    topology: "batched",
    what: "a savepoint of finished tasks counted as the final checkpoint: the job hung",
  },
  { seed: 174, topology: "batched", what: "a delta did not take back that a group's result was due" },
  { seed: 228, topology: "mixed", what: "at least once, a task counted as finished whose senders were not" },
  {
    seed: 3,
    topology: "diamond",
    what: "a task was triggered while records of finished senders waited in its channels",
  },
];
