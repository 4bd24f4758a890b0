/**
 * The language of `?filter=`: comparisons of fields joined by `and`, `or`, `not` and parentheses, e.g.
 * `Service.Meta.env == prod and not "v1" in Service.Tags`.
 */

export type Operator =
  | 'Equal'
  | 'Not Equal'
  | 'In'
  | 'Not In'
  | 'Is Empty'
  | 'Is Not Empty'
  | 'Matches'
  | 'Not Matches';

export interface Comparison {
  readonly kind: 'comparison';
  /** Names from the outside in: "Service", "Meta", "env". */
  readonly selector: readonly string[];
  readonly operator: Operator;
  /** As written; "" for the operators about emptiness. */
  readonly value: string;
}

export type Expression =
  | Comparison
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression };

/** Where the text stops making sense, as "line:column (offset): …". */
class FilterSyntaxError extends Error {}

/** A filter comes in a URL, so it is short; nesting is bounded so that it cannot exhaust the stack. */
const MAX_DEPTH = 200;

/** Throws `FilterSyntaxError`. */
export function parseFilter(text: string): Expression {
  const parser = new Parser(text);
  return parser.whole();
}

/** The first operand of a comparison, before it is known whether it is a selector or a value. */
interface Operand {
  text: string;
  /** Undefined for a number or a quoted text: those are values only. */
  selector: string[] | undefined;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Expression {
    this.#space();
    const expression = this.#or();
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('end of the expression, "and" or "or"');
    return expression;
  }

  #or(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error('less nesting');
    const left = this.#and();
    const expression: Expression = this.#joint('or') ? { kind: 'or', left, right: this.#or() } : left;
    this.#depth--;
    return expression;
  }

  #and(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error('less nesting');
    const left = this.#not();
    const expression: Expression = this.#joint('and') ? { kind: 'and', left, right: this.#and() } : left;
    this.#depth--;
    return expression;
  }

  /** Takes `word` and the space around it, or nothing. */
  #joint(word: 'and' | 'or'): boolean {
    const from = this.#at;
    this.#space();
    if (this.#word(word)) {
      this.#space();
      return true;
    }
    this.#at = from;
    return false;
  }

  #not(): Expression {
    const from = this.#at;
    if (this.#word('not')) {
      this.#space();
      if (++this.#depth > MAX_DEPTH) throw this.#error('less nesting');
      const of = this.#not();
      this.#depth--;
      return { kind: 'not', of };
    }
    this.#at = from;
    if (!this.#take('(')) return this.#comparison();
    this.#space();
    const inner = this.#or();
    this.#space();
    if (!this.#take(')')) throw this.#error('")"');
    return inner;
  }

  #comparison(): Expression {
    const operand = this.#operand('a field or a value');
    this.#space();
    if (this.#word('in')) return this.#inSelector(operand, 'In');
    const negated = this.#word('not');
    if (negated) {
      this.#space();
      if (this.#word('in')) return this.#inSelector(operand, 'Not In');
    }
    const { selector } = operand;
    if (selector === undefined) throw this.#error('"in" or "not in"');
    if (this.#word('matches')) return this.#valued(selector, negated ? 'Not Matches' : 'Matches');
    if (this.#word('contains')) return this.#valued(selector, negated ? 'Not In' : 'In');
    if (negated) throw this.#error('"in", "contains" or "matches"');
    if (this.#take('==')) return this.#valued(selector, 'Equal');
    if (this.#take('!=')) return this.#valued(selector, 'Not Equal');
    if (!this.#word('is')) throw this.#error('an operator');
    this.#space();
    const operator = this.#word('not') ? 'Is Not Empty' : 'Is Empty';
    this.#space();
    if (!this.#word('empty')) throw this.#error('"empty"');
    return { kind: 'comparison', selector, operator, value: '' };
  }

  #valued(selector: string[], operator: Operator): Comparison {
    this.#space();
    return { kind: 'comparison', selector, operator, value: this.#operand('a value').text };
  }

  #inSelector({ text }: Operand, operator: 'In' | 'Not In'): Comparison {
    this.#space();
    const { selector } = this.#operand('a field');
    if (selector === undefined) throw this.#error('a field');
    return { kind: 'comparison', selector, operator, value: text };
  }

  #operand(expected: string): Operand {
    const quoted = this.#quoted();
    if (quoted !== undefined) return { text: quoted, selector: undefined };
    const number = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?![\w.])/y);
    if (number !== undefined) return { text: number, selector: undefined };
    const first = this.#match(/[a-zA-Z][a-zA-Z0-9_/]*/y);
    if (first === undefined) throw this.#error(expected);
    const selector = [first];
    for (;;) {
      const name = this.#match(/\.(?:[a-zA-Z][a-zA-Z0-9_/]*|\d+)/y);
      if (name !== undefined) selector.push(name.slice(1));
      else if (this.#take('[')) selector.push(this.#index());
      else return { text: selector.join('.'), selector };
    }
  }

  #index(): string {
    this.#space();
    const name = this.#quoted();
    if (name === undefined) throw this.#error('a quoted name');
    this.#space();
    if (!this.#take(']')) throw this.#error('"]"');
    return name;
  }

  #quoted(): string | undefined {
    const raw = this.#match(/`[^`]*`/y);
    if (raw !== undefined) return raw.slice(1, -1);
    const quoted = this.#match(/"(?:[^"\\\n]|\\.)*"/y);
    if (quoted === undefined) {
      if ('`"'.includes(this.#text[this.#at] ?? ' ')) throw this.#error('the end of the quoted text');
      return undefined;
    }
    try {
      return JSON.parse(quoted) as string;
    } catch {
      throw this.#error('a quoted text that can be read');
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Takes `word` unless it is only the beginning of a longer one. */
  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    if (/[a-zA-Z0-9_/.[]/.test(this.#text[this.#at + word.length] ?? ' ')) return false;
    this.#at += word.length;
    return true;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #space(): void {
    this.#match(/[ \t\r\n]+/y);
  }

  #error(expected: string): FilterSyntaxError {
    const before = this.#text.slice(0, this.#at).split('\n');
    const column = (before[before.length - 1] as string).length + 1;
    return new FilterSyntaxError(
      `${before.length}:${column} (${this.#at}): no match found, expected: ${expected}`,
    );
  }
}
