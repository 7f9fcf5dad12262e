/** Runs that once went wrong, with what was the matter: they are run for ever. */
export interface KnownSeed {
  readonly seed: number;
  readonly topology: string;
  readonly what: string;
}

export const knownSeeds: readonly KnownSeed[] = [
  { seed: 11, topology: "shuffled", what: "an unaligned barrier in band was announced by a mark" },
];
