/** The managed memory of a slot: equal parts for all operators of its tasks that keep keyed state. */
export class ManagedMemory {
  private readonly bytes: number;
  private claims = 0;

  constructor(mebibytes: number) {
    this.bytes = mebibytes * 1024 * 1024;
  }

  /** One more operator keeps state. What all have becomes less by that: the answer is to be asked again and again. */
  claim(): () => number {
    this.claims++;
    return () => this.bytes / this.claims;
  }
}
