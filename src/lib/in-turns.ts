/**
 * Done in one turn of the event loop. With 10,000 at once nothing was written before all had been prepared, everything that was
 * made for them was alive at the same time, and whoever caused it waited too.
 */
const BATCH = 256;

/** Resolves in a later turn of the event loop: what waits there already comes first. */
export function nextTurn(): Promise<void> {
  return new Promise(setImmediate);
}

/** Does `each` for all items in their order: `BATCH` of them now, the others in the next turns of the event loop. */
export function inTurns<Item>(items: readonly Item[], each: (item: Item) => void, at = 0): void {
  const end = Math.min(items.length, at + BATCH);
  for (let i = at; i < end; i++) each(items[i] as Item);
  if (end < items.length) setImmediate(inTurns<Item>, items, each, end);
}
