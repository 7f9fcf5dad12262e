/** The work for each, at most so many at once; answers in order. After the first failure none is begun. */
export async function inParallel<A, B>(
  all: readonly A[],
  atOnce: number,
  work: (each: A) => Promise<B>,
): Promise<B[]> {
  const answers: B[] = new Array(all.length);
  let next = 0;
  let failed = false;
  const one = async () => {
    while (next < all.length && !failed) {
      const i = next++;
      try {
        answers[i] = await work(all[i]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(atOnce, all.length) }, one));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return answers;
}
