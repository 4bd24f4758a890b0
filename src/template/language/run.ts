/** One execution of a template: what it has written, and how much it may still do. */
import { LimitError } from './errors.ts';
import type { Operand } from './nodes.ts';
import type { Value } from './value.ts';

export interface Limits {
  /** Templates that call each other, inside one another. Go's is 100,000; a template that needs more than this is lost in itself. */
  readonly depth: number;
  /** UTF-16 units of output. */
  readonly output: number;
  /** Rounds of all ranges together. */
  readonly iterations: number;
}

/** Who renders answers nothing else meanwhile, in an agent its API: so many rounds take two seconds when they do nothing, and no file that is meant has as many. */
export const LIMITS: Limits = { depth: 1000, output: 64 * 2 ** 20, iterations: 10_000_000 };

export class Run {
  out = '';
  readonly #limits: Limits;
  #iterations = 0;
  /** The range that began a round last. */
  #range: Operand | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get deepest(): number {
    return this.#limits.depth;
  }

  write(text: string): void {
    this.out += text;
    if (this.out.length > this.#limits.output)
      throw new LimitError(`the output is longer than ${this.#limits.output} characters`, this.#range);
  }

  /** Counts a round of a range over `what`. */
  iterate(what: Operand): void {
    this.#range = what;
    if (++this.#iterations > this.#limits.iterations)
      throw new LimitError(`ranges took more than ${this.#limits.iterations} rounds`, what);
  }
}

/** Where a template's variables are while it is carried out: by place, which the compiler knows. */
export interface Frame {
  readonly variables: Value[];
  readonly run: Run;
  readonly depth: number;
}

export type Evaluate = (frame: Frame, dot: Value) => Value;

/** How a node ended: go on, or leave the round or the whole of the range around it. */
export type Flow = 'next' | 'break' | 'continue';
export type Execute = (frame: Frame, dot: Value) => Flow;

/** Names of variables and their places, at one point of a template. */
export class Scope {
  readonly #names: string[] = ['$'];

  /** Place of a new variable. */
  declare(name: string): number {
    return this.#names.push(name) - 1;
  }

  /** Place of the innermost variable of the name; -1: there is none here. */
  find(name: string): number {
    return this.#names.lastIndexOf(name);
  }

  get size(): number {
    return this.#names.length;
  }

  /** Forgets the variables that were declared since there were `size`. */
  leave(size: number): void {
    this.#names.length = size;
  }
}
