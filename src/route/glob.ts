/**
 * Patterns of hosts and paths: `*` any characters (dots and slashes too), `?` one character, `[ab]`, `[a-z]`, `[!ab]` one of a class, `{a,b}` alternatives,
 * `\` takes the meaning of the next character away. Hosts are compared without regard to case.
 */

/** One step of a pattern. */
type Step =
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  /** 256 flags. */
  | { readonly kind: 'class'; readonly members: Uint8Array };

/** Alternatives, each a list of steps: `{a,b}` is multiplied out when the pattern is read. */
export interface Glob {
  readonly pattern: string;
  /** Letters are compared without regard to case. */
  readonly fold: boolean;
  readonly alternatives: readonly (readonly Step[])[];
}

/** More alternatives than this are refused: `{a,b}` ten times over would be a thousand. */
const MAX_ALTERNATIVES = 64;

export function hasGlob(host: string): boolean {
  return /[*?[{\\]/.test(host);
}

/** A host's pattern ready to be matched, or a sentence that says what is wrong with it. */
export function parseHostGlob(pattern: string): Glob | string {
  return parseGlob(pattern, true);
}

/** The same for any text, with (`fold`) or without regard to case. */
export function parseGlob(pattern: string, fold: boolean): Glob | string {
  const expanded = expand(pattern);
  if (typeof expanded === 'string') return expanded;
  const alternatives: Step[][] = [];
  for (const alternative of expanded) {
    const steps = parseSteps(alternative, fold);
    if (typeof steps === 'string') return steps;
    alternatives.push(steps);
  }
  return { pattern, fold, alternatives };
}

function expand(pattern: string): string[] | string {
  const open = findUnescaped(pattern, '{', 0);
  if (open < 0) return [pattern];
  const group = groupAt(pattern, open);
  if (group === undefined) return `"{" without "}" in ${JSON.stringify(pattern)}`;
  const { choices, close } = group;
  const all: string[] = [];
  for (const choice of choices) {
    const rest = expand(pattern.slice(0, open) + choice + pattern.slice(close + 1));
    if (typeof rest === 'string') return rest;
    all.push(...rest);
    if (all.length > MAX_ALTERNATIVES)
      return `more than ${MAX_ALTERNATIVES} alternatives in ${JSON.stringify(pattern)}`;
  }
  return all;
}

/** The alternatives of the group that begins at `open`, which may have groups in them, and where it ends. Undefined when it does not. */
function groupAt(pattern: string, open: number): { choices: string[]; close: number } | undefined {
  const choices: string[] = [];
  let from = open + 1;
  let depth = 0;
  for (let at = from; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (char === '{') depth++;
    else if (char === '}' && depth > 0) depth--;
    else if (char === '}') return { choices: [...choices, pattern.slice(from, at)], close: at };
    else if (char === ',' && depth === 0) {
      choices.push(pattern.slice(from, at));
      from = at + 1;
    }
  }
  return undefined;
}

function findUnescaped(text: string, char: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === char) return at;
  }
  return -1;
}

function parseSteps(pattern: string, fold: boolean): Step[] | string {
  const steps: Step[] = [];
  const bytes = new TextEncoder().encode(fold ? pattern.toLowerCase() : pattern);
  for (let at = 0; at < bytes.length; at++) {
    const char = String.fromCharCode(bytes[at] as number);
    if (char === '*') {
      if (steps.at(-1)?.kind !== 'star') steps.push({ kind: 'star' });
    } else if (char === '?') steps.push({ kind: 'any' });
    else if (char === '[') {
      const close = bytes.indexOf(0x5d, at + 2);
      if (close < 0) return `"[" without "]" in ${JSON.stringify(pattern)}`;
      steps.push({ kind: 'class', members: parseClass(bytes.subarray(at + 1, close)) });
      at = close;
    } else {
      if (char === '\\') at++;
      const byte = bytes[at];
      if (byte === undefined) return `nothing behind the last "\\" in ${JSON.stringify(pattern)}`;
      steps.push({ kind: 'byte', byte });
    }
  }
  return steps;
}

function parseClass(bytes: Uint8Array): Uint8Array {
  const isNegated = bytes[0] === 0x21 || bytes[0] === 0x5e;
  const members = new Uint8Array(256).fill(isNegated ? 1 : 0);
  const hit = isNegated ? 0 : 1;
  for (let at = isNegated ? 1 : 0; at < bytes.length; at++) {
    const from = bytes[at] as number;
    if (bytes[at + 1] === 0x2d && at + 2 < bytes.length) {
      members.fill(hit, from, (bytes[at + 2] as number) + 1);
      at += 2;
    } else members[from] = hit;
  }
  return members;
}

/** Whether the bytes in [start, end) fit. Hot path: allocates nothing. */
export function matchesGlob(glob: Glob, bytes: Uint8Array, start: number, end: number): boolean {
  const { alternatives, fold } = glob;
  for (let i = 0; i < alternatives.length; i++)
    if (matchesSteps(alternatives[i] as readonly Step[], bytes, start, end, fold)) return true;
  return false;
}

/** The usual two-cursor walk: on a mismatch back to the last star, which then takes one byte more. */
function matchesSteps(
  steps: readonly Step[],
  bytes: Uint8Array,
  start: number,
  end: number,
  fold: boolean,
): boolean {
  let at = start;
  let step = 0;
  let starStep = -1;
  let starAt = start;
  while (at < end) {
    const wanted = steps[step];
    if (wanted !== undefined && wanted.kind === 'star') {
      starStep = step++;
      starAt = at;
    } else if (wanted !== undefined && fits(wanted, bytes[at] as number, fold)) {
      step++;
      at++;
    } else if (starStep >= 0) {
      step = starStep + 1;
      at = ++starAt;
    } else return false;
  }
  while (steps[step]?.kind === 'star') step++;
  return step === steps.length;
}

function fits(step: Step, raw: number, fold: boolean): boolean {
  const byte = fold && raw >= 0x41 && raw <= 0x5a ? raw | 0x20 : raw;
  switch (step.kind) {
    case 'byte':
      return step.byte === byte;
    case 'any':
      return true;
    case 'class':
      return step.members[byte] === 1;
    case 'star':
      return false;
  }
}

/**
 * Order in which patterns are tried, the most specific first: names are compared from their end, where the general part stands,
 * descending; a longer name comes before the end it shares with a shorter one.
 */
export function comparePatterns(a: string, b: string): number {
  const x = reversed(a);
  const y = reversed(b);
  return x < y ? 1 : x > y ? -1 : 0;
}

/** The host's characters from back to front; a port stays where it is. */
function reversed(pattern: string): string {
  const [, host = '', port = ''] = /^(.*?)(:\d+)?$/.exec(pattern) ?? [];
  return [...host].reverse().join('') + port;
}
