/**
 * For every operator of a vertex: the place among those with an object of its own of the operator itself or of the
 * nearest one it is fed by; -1 where that is the task's input.
 */
export function nearestOperator(
  vertex: readonly { readonly feeder: number; readonly uid: string }[],
  objects: readonly { readonly uid: string }[],
): (index: number) => number {
  return (index) => {
    for (let at = index; at >= 0; at = vertex[at]!.feeder) {
      const found = objects.findIndex(({ uid }) => uid === vertex[at]!.uid);
      if (found >= 0) return found;
    }
    return -1;
  };
}
