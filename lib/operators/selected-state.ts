/** Handles of keyed state that select their key at every call, where an operator works under several keys at once. */
const METHODS = ["get", "update", "clear", "add", "addAll", "has", "set", "delete"] as const;
const ITERATORS = ["entries", "keys", "values"] as const;

type AnyHandle = Record<string, ((...given: unknown[]) => unknown) | undefined> & { readonly size?: number };

export function selectedHandles(
  handles: Readonly<Record<string, unknown>>,
  select: () => void,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(handles).map(([name, handle]) => [name, selected(handle as AnyHandle, select)]),
  );
}

function selected(handle: AnyHandle, select: () => void): unknown {
  const made: Record<string, unknown> = {};
  for (const name of METHODS) {
    if (handle[name] === undefined) continue;
    made[name] = (...given: unknown[]) => {
      select();
      return handle[name]!(...given);
    };
  }
  for (const name of ITERATORS) {
    if (handle[name] === undefined) continue;
    // Read at once: another key may be selected before the iterator is through.
    made[name] = () => {
      select();
      return [...(handle[name]!() as Iterable<unknown>)].values();
    };
  }
  Object.defineProperty(made, "size", {
    get() {
      select();
      return handle.size;
    },
  });
  return made;
}
