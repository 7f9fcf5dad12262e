/** How the operators of a task, and the user's functions in them, are opened and closed. */
import type { Chain, Failed } from "./chain-code.js";
import type { UserFunctions } from "./user-functions.js";

/** Downstream operators first, so that what opens upstream can emit. */
export async function openOperators(
  { operators }: Chain,
  functions: UserFunctions,
  failed: Failed,
): Promise<void> {
  for (const { operator, node } of operators.toReversed()) {
    try {
      await operator.open?.();
      await functions.open(node.uid);
    } catch (error) {
      failed(error, node.name, undefined);
    }
  }
}

export function closeOperators(
  operators: Chain["operators"],
  functions: UserFunctions,
  aborted: boolean,
): Promise<void> {
  const closings = operators.map(
    ({ operator }) =>
      async () =>
        operator.close?.(aborted),
  );
  return closeAll([() => functions.close(), ...closings]);
}

/** One after the other, all of them, whatever the others do. Throws what was thrown first. */
export async function closeAll(closings: readonly (() => Promise<void>)[]): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  for (const close of closings) {
    try {
      await close();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
