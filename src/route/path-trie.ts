/**
 * A persistent radix tree over the bytes of paths: `set` and `without` answer a new tree that shares all untouched
 * nodes with the old one, so a change among 50,000 paths copies a handful of nodes.
 */
export interface PathNode<Value> {
  /** Bytes (`byte-text.ts`) between the parent and this node; empty at the root only. */
  readonly label: string;
  readonly value: Value | undefined;
  /** In the order of the first byte of their labels, which all differ. */
  readonly children: readonly PathNode<Value>[];
}

/** Shared by all nodes without children, which most are. */
const NO_CHILDREN: readonly PathNode<never>[] = [];

export const emptyTrie: PathNode<never> = { label: '', value: undefined, children: NO_CHILDREN };

export function isEmptyTrie(root: PathNode<unknown>): boolean {
  return root.value === undefined && root.children.length === 0;
}

/** With `value` at `path`. */
export function withPath<Value>(root: PathNode<Value>, path: string, value: Value): PathNode<Value> {
  if (path.length === 0) return { ...root, value };
  const at = childIndex(root, path.charCodeAt(0));
  const child = root.children[at];
  if (child === undefined || child.label.charCodeAt(0) !== path.charCodeAt(0))
    return withChildren(root, root.children.toSpliced(at, 0, { label: path, value, children: NO_CHILDREN }));
  const common = commonLength(child.label, path);
  const below = withPath(
    common === child.label.length ? child : split(child, common),
    path.slice(common),
    value,
  );
  return withChildren(root, root.children.with(at, below));
}

/** Without what is at `path`; the same tree when nothing is. */
export function withoutPath<Value>(root: PathNode<Value>, path: string): PathNode<Value> {
  if (path.length === 0) return root.value === undefined ? root : { ...root, value: undefined };
  const at = childIndex(root, path.charCodeAt(0));
  const child = root.children[at];
  if (child === undefined || commonLength(child.label, path) < child.label.length) return root;
  const below = withoutPath(child, path.slice(child.label.length));
  if (below === child) return root;
  if (below.value !== undefined || below.children.length > 1)
    return withChildren(root, root.children.with(at, below));
  const only = below.children[0];
  if (only === undefined) return withChildren(root, root.children.toSpliced(at, 1));
  const joined = { ...only, label: below.label + only.label };
  return withChildren(root, root.children.with(at, joined));
}

/**
 * The value at the longest path that the bytes [start, end) begin with. Percent-escapes are compared decoded, so
 * "/a%2Fb" begins with "/a/b"; broken ones stand for themselves. With `fold` letters A to Z match the lower-case letters of
 * the tree. Hot path: allocates nothing.
 */
export function longestPrefix<Value>(
  root: PathNode<Value>,
  bytes: Uint8Array,
  start: number,
  end: number,
  fold: boolean,
): Value | undefined {
  let node = root;
  let found = root.value;
  let at = start;
  while (at < end) {
    let unit = unitAt(bytes, at, end, fold);
    const child = childOf(node, unit & 0xff);
    if (child === undefined) return found;
    at += unit >>> 8;
    const label = child.label;
    for (let i = 1; i < label.length; i++) {
      if (at >= end) return found;
      unit = unitAt(bytes, at, end, fold);
      if ((unit & 0xff) !== label.charCodeAt(i)) return found;
      at += unit >>> 8;
    }
    node = child;
    if (node.value !== undefined) found = node.value;
  }
  return found;
}

/** The decoded byte at `at` in the low 8 bits, above them how many bytes it takes: a number, so nothing is allocated. */
export function unitAt(bytes: Uint8Array, at: number, end: number, fold: boolean): number {
  let byte = bytes[at] as number;
  let length = 1;
  if (byte === 0x25 && at + 2 < end) {
    const high = hexValue(bytes[at + 1] as number);
    const low = hexValue(bytes[at + 2] as number);
    if (high >= 0 && low >= 0) {
      byte = (high << 4) | low;
      length = 3;
    }
  }
  if (fold && byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
  return byte | (length << 8);
}

/** Value of a hexadecimal digit; -1 for what is none. */
export function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function childOf<Value>(node: PathNode<Value>, byte: number): PathNode<Value> | undefined {
  const { children } = node;
  // Paths fan out to a dozen or two: a scan beats a search.
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as PathNode<Value>;
    if (child.label.charCodeAt(0) === byte) return child;
  }
  return undefined;
}

function childIndex(node: PathNode<unknown>, byte: number): number {
  const at = node.children.findIndex(({ label }) => label.charCodeAt(0) >= byte);
  return at < 0 ? node.children.length : at;
}

function split<Value>(node: PathNode<Value>, at: number): PathNode<Value> {
  const below = { ...node, label: node.label.slice(at) };
  return { label: node.label.slice(0, at), value: undefined, children: [below] };
}

function withChildren<Value>(node: PathNode<Value>, children: readonly PathNode<Value>[]): PathNode<Value> {
  return { label: node.label, value: node.value, children };
}

function commonLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a.charCodeAt(i) !== b.charCodeAt(i)) return i;
  return length;
}
