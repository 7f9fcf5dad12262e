/**
 * Which splits were given to readers since when: after a reader has failed and goes on from a checkpoint, those
 * that it got behind that checkpoint are in no snapshot and go back to the enumerator (after Flink's
 * SplitAssignmentTracker). Pure.
 *
 * Called by: coordinator.
 */
import type { Split } from "./contract.js";

interface Given {
  readonly subtask: number;
  readonly splits: readonly Split[];
  /** The newest checkpoint triggered before: the first one that holds them is a later one. */
  readonly behind: number;
}

export class Assignments {
  private given: Given[] = [];
  private triggered = 0;

  /** A reader got splits. */
  add(subtask: number, splits: readonly Split[]): void {
    if (splits.length > 0) this.given.push({ subtask, splits, behind: this.triggered });
  }

  /** What was given before is in a checkpoint that is being taken, where that comes to be. */
  onTriggered(checkpoint: number): void {
    this.triggered = checkpoint;
  }

  /** What readers go on from, if they fail: what it holds is theirs for good. */
  onCompleted(checkpoint: number): void {
    this.given = this.given.filter(({ behind }) => behind >= checkpoint);
  }

  /** The splits that a reader got behind the last completed checkpoint, in order: it has them no more. */
  takeBack(subtask: number): readonly Split[] {
    const back = this.given.filter((each) => each.subtask === subtask);
    this.given = this.given.filter((each) => each.subtask !== subtask);
    return back.flatMap(({ splits }) => splits);
  }
}
