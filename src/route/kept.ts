/** Tens of thousands of routes have nothing to list: they share one. */
const NONE: readonly never[] = [];

/** A list to be kept for long: without the room that `push` makes for more. */
export function kept<Value>(list: readonly Value[]): readonly Value[] {
  return list.length === 0 ? NONE : list.slice();
}
