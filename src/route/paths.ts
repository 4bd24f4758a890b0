/** The routes of one host by their paths, in the way of the matcher that is configured. Persistent: a change answers new paths. */
import { byteText } from './byte-text.ts';
import { type Glob, matchesGlob, parseGlob } from './glob.ts';
import {
  emptyTrie,
  hexValue,
  isEmptyTrie,
  longestPrefix,
  type PathNode,
  withoutPath,
  withPath,
} from './path-trie.ts';
import type { Route } from './table.ts';

interface PathGlob {
  readonly glob: Glob;
  readonly route: Route;
}

export interface Paths {
  /** For the matchers that compare beginnings. */
  readonly trie: PathNode<Route>;
  /** For the one that compares patterns: most specific first. */
  readonly globs: readonly PathGlob[];
}

/** How the path of a route is compared with that of a request. A new one is a line here. */
export const MATCHERS = {
  prefix: { fold: false, globs: false },
  iprefix: { fold: true, globs: false },
  glob: { fold: false, globs: true },
} as const satisfies Record<string, { fold: boolean; globs: boolean }>;

export type MatcherName = keyof typeof MATCHERS;

export const MATCHER_NAMES = Object.keys(MATCHERS) as MatcherName[];

export const NO_PATHS: Paths = { trie: emptyTrie, globs: [] };

export function hasNoPaths({ trie, globs }: Paths): boolean {
  return globs.length === 0 && isEmptyTrie(trie);
}

/** Whether the path has no say: there is a route for "/" at most. */
export function isForAllPaths({ trie, globs }: Paths): boolean {
  if (globs.length > 0 || trie.value !== undefined || trie.children.length > 1) return false;
  const [only] = trie.children;
  return only === undefined || (only.label === '/' && only.children.length === 0);
}

/** With the route at a path, or without any there. */
export function put(paths: Paths, path: string, route: Route | undefined, matcher: MatcherName): Paths {
  const key = pathKey(path, matcher);
  if (!MATCHERS[matcher].globs) {
    const bytes = byteText(key);
    const { trie, globs } = paths;
    return { globs, trie: route === undefined ? withoutPath(trie, bytes) : withPath(trie, bytes, route) };
  }
  const others = paths.globs.filter(({ glob }) => glob.pattern !== key);
  const glob = parseGlob(key, false);
  // Refused with a reason when its tag was read; a pattern that is none matches nothing.
  if (route === undefined || typeof glob === 'string') return { ...paths, globs: others };
  const globs = [...others, { glob, route }].sort((a, b) => (a.glob.pattern < b.glob.pattern ? 1 : -1));
  return { ...paths, globs };
}

/** The path that routes are told apart by. */
export function pathKey(path: string, matcher: MatcherName): string {
  return MATCHERS[matcher].fold ? path.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : path;
}

/** Decoded paths for patterns: longer than any that the data path takes. */
const scratch = new Uint8Array(65_536);

/** The route of the path in [start, end). Hot path: allocates nothing. */
export function find(
  paths: Paths,
  bytes: Uint8Array,
  start: number,
  end: number,
  matcher: MatcherName,
): Route | undefined {
  if (!MATCHERS[matcher].globs) return longestPrefix(paths.trie, bytes, start, end, MATCHERS[matcher].fold);
  const { globs } = paths;
  if (globs.length === 0 || end - start > scratch.length) return undefined;
  const length = decode(bytes, start, end, scratch);
  for (let i = 0; i < globs.length; i++) {
    const { glob, route } = globs[i] as PathGlob;
    if (matchesGlob(glob, scratch, 0, length)) return route;
  }
  return undefined;
}

/** Percent-escapes taken out; broken ones stand for themselves. The answer is the length of what was written. */
export function decode(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let out = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const high = byte === 0x25 && at + 2 < end ? hexValue(bytes[at + 1] as number) : -1;
    const low = high < 0 ? -1 : hexValue(bytes[at + 2] as number);
    if (low >= 0) at += 2;
    into[out++] = low >= 0 ? (high << 4) | low : byte;
  }
  return out;
}
