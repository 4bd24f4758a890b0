/**
 * Whether two pieces of plain data hold the same: what JSON has, `undefined`, bigints and bytes. Where an object comes from makes no
 * difference: one that was read from JSON has no prototype, one from the disk has. `except`: fields of the outermost object that
 * do not count.
 */
export function isSame(a: unknown, b: unknown, except?: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  // Without `Buffer`, which browsers have not got.
  if (a instanceof Uint8Array) return b instanceof Uint8Array && areSameBytes(a, b);
  if (b instanceof Uint8Array) return false;
  let fields = 0;
  for (const name in a) {
    if (except?.has(name)) continue;
    const x = (a as Record<string, unknown>)[name];
    const y = (b as Record<string, unknown>)[name];
    if (x !== y ? !isSame(x, y) : x === undefined && !Object.hasOwn(b, name)) return false;
    fields++;
  }
  for (const name in b) if (!except?.has(name)) fields--;
  return fields === 0;
}

/** A loop, since `every` takes ten times as long: values of keys may have half a megabyte. */
function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
