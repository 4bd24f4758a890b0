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
}

type Step =
  | { readonly kind: 'char'; readonly test: CharTest; readonly next: number }
  | { readonly kind: 'split'; readonly next: number; readonly other: number }
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
    }
  }

  function buildRepeat({ of, least, most }: Tree & { kind: 'repeat' }, next: number): number {
    let begin = next;
    if (most === Number.POSITIVE_INFINITY) {
      // The loop is closed once the place of its body is known.
      const loop = add({ kind: 'split', next, other: next });
      const body = build(of, loop);
      steps[loop] = { kind: 'split', next: body, other: next };
      begin = loop;
    } else {
      for (let i = least; i < most; i++) begin = add({ kind: 'split', next: build(of, begin), other: next });
    }
    for (let i = 0; i < least; i++) {
      const again = build(of, begin);
      // A body without steps is the same however often it is repeated.
      if (again === begin) break;
      begin = again;
    }
    return begin;
  }

  function add(step: Step): number {
    if (steps.length >= MAX_STEPS) throw new RegexpSyntaxError('expression too large', pattern);
    return steps.push(step) - 1;
  }

  return { test: (text) => matches(steps, start, text) };
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
    else if (holds(step.what, before, after)) open.push(step.next);
  }
  return false;
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
