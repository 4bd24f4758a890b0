import {
  type Assertion,
  type CharTest,
  isWordChar,
  parseGoRegexp,
  RegexpSyntaxError,
  type Tree,
} from './go-regexp-syntax.ts';

/** A compiled pattern. It keeps no state between calls. */
export interface GoRegexp {
  /** True when the pattern matches somewhere in `text`. */
  test(text: string): boolean;
  /**
   * The leftmost match in `text` and what each group took of it, "" for a group that took no part (Go's
   * FindStringSubmatch); undefined when there is no match.
   */
  find(text: string): readonly string[] | undefined;
  /**
   * Where the leftmost match that begins at or behind `from` is: begin and end of the whole, then of each group, -1 for a
   * group that took no part. Undefined when there is none.
   */
  places(text: string, from: number): Int32Array | undefined;
  /** Steps that matching takes at each character, at most. */
  readonly size: number;
  /** Name of each group from 1 on, "" for one without; "" at 0. */
  readonly names: readonly string[];
}

/** Every match in `text`, one behind the other, as Go's FindAllStringSubmatchIndex has them. At most `most`. */
export function placesOfAll(regexp: GoRegexp, text: string, most = Number.POSITIVE_INFINITY): Int32Array[] {
  const all: Int32Array[] = [];
  let lastEnd = -1;
  for (let from = 0; all.length < most && from <= text.length; ) {
    const found = regexp.places(text, from);
    if (found === undefined) break;
    const begin = found[0] as number;
    const end = found[1] as number;
    const isEmpty = begin === end;
    // Nothing, right behind another match, is none.
    if (!isEmpty || begin !== lastEnd) all.push(found);
    lastEnd = end;
    const wide = (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
    from = isEmpty ? end + wide : end;
  }
  return all;
}

type Step =
  | { readonly kind: 'char'; readonly test: CharTest; readonly next: number }
  /** Goes both ways; what comes by `next` is preferred. */
  | { readonly kind: 'split'; readonly next: number; readonly other: number }
  /** Remembers the place: 2n where group n begins, 2n + 1 where it ends. */
  | { readonly kind: 'mark'; readonly slot: number; readonly next: number }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'match' };

/** Bounds the memory of one pattern: nested repetitions multiply. */
const MAX_STEPS = 20_000;

/**
 * Compiles a pattern of Go's regexp package. Patterns come from clients, so matching takes time linear in the text
 * times the pattern, whatever they say; the engine of JavaScript would go exponential on some. Throws
 * `RegexpSyntaxError` in Go's words.
 */
export function compileGoRegexp(pattern: string): GoRegexp {
  const steps: Step[] = [{ kind: 'match' }];
  let slots = 2;
  const names = [''];
  const start = build(parseGoRegexp(pattern), 0);

  /** Adds the steps of `tree` in front of step `next`; answers where they begin. */
  function build(tree: Tree, next: number): number {
    switch (tree.kind) {
      case 'empty':
        return next;
      case 'char':
        return add({ kind: 'char', test: tree.test, next });
      case 'assert':
        return add({ kind: 'assert', what: tree.what, next });
      case 'sequence':
        return tree.parts.reduceRight((after, part) => build(part, after), next);
      case 'choice':
        return tree.parts
          .map((part) => build(part, next))
          .reduceRight((other, begin) => add({ kind: 'split', next: begin, other }));
      case 'repeat':
        return buildRepeat(tree, next);
      case 'group': {
        slots = Math.max(slots, 2 * tree.number + 2);
        names[tree.number] = tree.name;
        const end = add({ kind: 'mark', slot: 2 * tree.number + 1, next });
        return add({ kind: 'mark', slot: 2 * tree.number, next: build(tree.of, end) });
      }
    }
  }

  function buildRepeat({ of, least, most, lazy }: Tree & { kind: 'repeat' }, next: number): number {
    const split = (body: number): Step =>
      lazy ? { kind: 'split', next, other: body } : { kind: 'split', next: body, other: next };
    // What takes no characters is the same however often it is repeated.
    if (isEmpty(of)) return least > 0 ? build(of, next) : add(split(build(of, next)));
    let begin = next;
    if (most === Number.POSITIVE_INFINITY) {
      // The loop is closed once the place of its body is known.
      const loop = add({ kind: 'split', next, other: next });
      steps[loop] = split(build(of, loop));
      begin = loop;
    } else {
      for (let i = least; i < most; i++) begin = add(split(build(of, begin)));
    }
    for (let i = 0; i < least; i++) begin = build(of, begin);
    return begin;
  }

  function add(step: Step): number {
    if (steps.length >= MAX_STEPS) throw new RegexpSyntaxError('expression too large', pattern);
    return steps.push(step) - 1;
  }

  return {
    test: (text) => matches(steps, start, text),
    find: (text) => textsOf(find(steps, start, slots, text, 0), text),
    names,
    size: steps.length,
    places: (text, from) => find(steps, start, slots, text, from),
  };
}

/** True for a tree that looks at no character at all. */
function isEmpty(tree: Tree): boolean {
  switch (tree.kind) {
    case 'empty':
      return true;
    case 'char':
    case 'assert':
      return false;
    case 'sequence':
    case 'choice':
      return tree.parts.every(isEmpty);
    case 'repeat':
    case 'group':
      return isEmpty(tree.of);
  }
}

/** Follows all ways through the steps at once. */
function matches(steps: readonly Step[], start: number, text: string): boolean {
  let current: number[] = [];
  /** The position at which a step was last entered, so that none is entered twice there. */
  const entered = new Int32Array(steps.length).fill(-1);
  let before = -1;
  for (let at = 0; at <= text.length; ) {
    const code = at < text.length ? (text.codePointAt(at) as number) : -1;
    // Steps that wait for a character at this place; the pattern may also begin here.
    const waiting: number[] = [];
    for (const step of [...current, start])
      if (enter(steps, step, entered, at, before, code, waiting)) return true;
    if (code === -1) return false;
    current = [];
    for (const index of waiting) {
      const step = steps[index] as Step & { kind: 'char' };
      if (step.test(code)) current.push(step.next);
    }
    before = code;
    at += code > 0xffff ? 2 : 1;
  }
  return false;
}

/** Goes on from `first` as far as no character is needed. True when that is the end of the pattern. */
function enter(
  steps: readonly Step[],
  first: number,
  entered: Int32Array,
  at: number,
  before: number,
  after: number,
  waiting: number[],
): boolean {
  const open = [first];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (entered[index] === at) continue;
    entered[index] = at;
    const step = steps[index] as Step;
    if (step.kind === 'match') return true;
    if (step.kind === 'char') waiting.push(index);
    else if (step.kind === 'split') open.push(step.other, step.next);
    else if (step.kind === 'mark') open.push(step.next);
    else if (holds(step.what, before, after)) open.push(step.next);
  }
  return false;
}

/** One way through the steps, with the places that it remembers. */
interface Way {
  readonly step: number;
  readonly marks: Int32Array;
}

/** As `matches`, but keeps the ways in order of preference, since the first that arrives says what the groups took. */
function find(
  steps: readonly Step[],
  start: number,
  slots: number,
  text: string,
  from: number,
): Int32Array | undefined {
  let current: Way[] = [];
  let found: Int32Array | undefined;
  const entered = new Int32Array(steps.length).fill(-1);
  let before = codeBefore(text, from);
  for (let at = from; at <= text.length; ) {
    const code = at < text.length ? (text.codePointAt(at) as number) : -1;
    // A match that begins later is never preferred to one that was found.
    if (found === undefined)
      current.push({ step: start, marks: new Int32Array(slots).fill(-1).fill(at, 0, 1) });
    const waiting: Way[] = [];
    for (const way of current) {
      const arrived = follow(steps, way, entered, at, before, code, waiting);
      if (arrived === undefined) continue;
      found = arrived.slice().fill(at, 1, 2);
      break;
    }
    current = [];
    for (const { step: index, marks } of waiting) {
      const step = steps[index] as Step & { kind: 'char' };
      if (code !== -1 && step.test(code)) current.push({ step: step.next, marks });
    }
    if (code === -1 || (found !== undefined && current.length === 0)) break;
    before = code;
    at += code > 0xffff ? 2 : 1;
  }
  return found;
}

/** The code point that ends before `at`; -1 at the begin of the text. */
function codeBefore(text: string, at: number): number {
  if (at === 0) return -1;
  const low = text.charCodeAt(at - 1);
  return at > 1 && low >= 0xdc00 && low <= 0xdfff ? (text.codePointAt(at - 2) as number) : low;
}

/** What each group took; "" for one that took no part. */
function textsOf(found: Int32Array | undefined, text: string): readonly string[] | undefined {
  if (found === undefined) return undefined;
  const groups: string[] = [];
  for (let slot = 0; slot < found.length; slot += 2) {
    const [begin, end] = [found[slot] as number, found[slot + 1] as number];
    groups.push(begin < 0 || end < 0 ? '' : text.slice(begin, end));
  }
  return groups;
}

/** Goes on as far as no character is needed. Answers the marks with which the end of the pattern was reached, if it was. */
function follow(
  steps: readonly Step[],
  first: Way,
  entered: Int32Array,
  at: number,
  before: number,
  after: number,
  waiting: Way[],
): Int32Array | undefined {
  const open = [first];
  for (let way = open.pop(); way !== undefined; way = open.pop()) {
    const { step: index, marks } = way;
    if (entered[index] === at) continue;
    entered[index] = at;
    const step = steps[index] as Step;
    if (step.kind === 'match') return marks;
    if (step.kind === 'char') waiting.push(way);
    else if (step.kind === 'split') open.push({ step: step.other, marks }, { step: step.next, marks });
    else if (step.kind === 'mark')
      open.push({ step: step.next, marks: marks.slice().fill(at, step.slot, step.slot + 1) });
    else if (holds(step.what, before, after)) open.push({ step: step.next, marks });
  }
  return undefined;
}

/** `before` and `after` are the code points beside the place, -1 at the ends of the text. */
function holds(what: Assertion, before: number, after: number): boolean {
  switch (what) {
    case 'textBegin':
      return before === -1;
    case 'textEnd':
      return after === -1;
    case 'lineBegin':
      return before === -1 || before === 10;
    case 'lineEnd':
      return after === -1 || after === 10;
    case 'word':
      return isWordChar(before) !== isWordChar(after);
    case 'noWord':
      return isWordChar(before) === isWordChar(after);
  }
}
