/** Text with expressions in `${…}`, as HashiCorp's HIL writes them, read into a tree. The words of errors are HIL's. */

export type Operator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '&&' | '||';

/** `at` is where something stands in the text, for the words of errors. */
export type Expression =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Expression[];
      readonly at: number;
    }
  | {
      readonly kind: 'operation';
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'condition';
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  /** Parts one after another, as text. */
  | { readonly kind: 'text'; readonly parts: readonly Expression[] };

/** A text that cannot be read or an expression without a value. */
export class InterpolationError extends Error {}

/** Bounds the recursion of reading and evaluating. */
const MAX_DEPTH = 100;
/** Terms of one text; what people write has a handful. */
const MAX_TERMS = 1000;

/** Binary operators, those that bind least first. */
const LEVELS: readonly (readonly Operator[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

/** Throws `InterpolationError`. */
export function parseInterpolation(text: string): Expression {
  return new Parser(text).whole();
}

type TokenKind = 'identifier' | 'int' | 'float' | 'symbol' | 'quote' | 'end' | 'invalid';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  /** Where reading goes on behind it. */
  readonly next: number;
}

const SPACE = /[ \t\r\n]*/y;
const IDENTIFIER = /[\p{L}_](?:[\p{L}\p{N}\p{M}_.-]|(?<=\.)\*(?=\.))*/uy;
const NUMBER = /\d+(?:\.\d+)?/y;
const SYMBOL = /==|!=|<=|>=|&&|\|\||[()[\],.+\-*/%?:!<>}]/y;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #terms = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Expression {
    return this.#parts(false);
  }

  /** Text and expressions in turn, to the end or, when `quoted`, to the closing quote. */
  #parts(quoted: boolean): Expression {
    const parts: Expression[] = [];
    for (;;) {
      const value = this.#literal(quoted);
      if (value !== '') parts.push(this.#term({ kind: 'string', value }));
      if (this.#at >= this.#text.length) break;
      if (!this.#text.startsWith('${', this.#at)) {
        this.#at++;
        break;
      }
      this.#at += 2;
      parts.push(this.#expression());
      this.#expect('}');
    }
    if (parts.length === 0) return { kind: 'string', value: '' };
    return { kind: 'text', parts };
  }

  /** The text up to an expression or the end, its escapes resolved. */
  #literal(quoted: boolean): string {
    const begin = this.#at;
    let value = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) {
        if (!quoted) return value;
        throw this.#unexpected('"${"', `invalid sequence ${quote(this.#text.slice(begin))}`, begin);
      }
      const follow = this.#text[this.#at + 1];
      if (char === '$' && follow === '{') return value;
      if (quoted && char === '"') return value;
      if (char === '$' && follow === '$') this.#at++;
      if (!quoted || char !== '\\') {
        value += char;
        this.#at++;
        continue;
      }
      if (follow !== '\\' && follow !== '"' && follow !== 'n')
        throw this.#error(this.#at, 'invalid backslash escape sequence');
      value += follow === 'n' ? '\n' : follow;
      this.#at += 2;
    }
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error(this.#at, 'expression nests too deeply');
    const test = this.#binary(0);
    let read = test;
    if (this.#take('?')) {
      const yes = this.#expression();
      this.#expect(':', ':');
      read = this.#term({ kind: 'condition', test, yes, no: this.#expression() });
    }
    this.#depth--;
    return read;
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#operand();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text } = this.#peek();
      const operator = operators.find((one) => kind === 'symbol' && one === text);
      if (operator === undefined) return left;
      this.#take(operator);
      left = this.#term({ kind: 'operation', operator, left, right: this.#binary(level + 1) });
    }
  }

  #operand(): Expression {
    const token = this.#peek();
    this.#at = token.next;
    const { kind, text, at } = token;
    if (kind === 'quote') return this.#nested(() => this.#parts(true));
    if (kind === 'int' || kind === 'float') return this.#term({ kind, value: Number(text) });
    if (kind === 'identifier') {
      if (text === 'true' || text === 'false') return this.#term({ kind: 'bool', value: text === 'true' });
      return this.#peek().text === '('
        ? this.#call(text, at)
        : this.#term({ kind: 'variable', name: text, at });
    }
    if (kind === 'symbol' && text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    // A sign in front is an operation on nothing.
    if (kind === 'symbol' && (text === '-' || text === '!')) {
      const right = this.#nested(() => this.#operand());
      return text === '-'
        ? this.#term({ kind: 'operation', operator: '-', left: { kind: 'int', value: 0 }, right })
        : this.#term({ kind: 'operation', operator: '==', left: { kind: 'bool', value: false }, right });
    }
    throw this.#unexpected('expression', described(token), at);
  }

  #call(name: string, at: number): Expression {
    this.#take('(');
    const args: Expression[] = [];
    while (this.#peek().text !== ')') {
      args.push(this.#expression());
      if (!this.#take(',')) break;
    }
    this.#expect(')');
    return this.#term({ kind: 'call', name, args, at });
  }

  #nested(read: () => Expression): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error(this.#at, 'expression nests too deeply');
    const inner = read();
    this.#depth--;
    return inner;
  }

  #term(term: Expression): Expression {
    if (++this.#terms > MAX_TERMS) throw this.#error(this.#at, 'expression too large');
    return term;
  }

  #take(symbol: string): boolean {
    const { kind, text, next } = this.#peek();
    if (kind !== 'symbol' || text !== symbol) return false;
    this.#at = next;
    return true;
  }

  #expect(symbol: string, word = quote(symbol)): void {
    const token = this.#peek();
    if (!this.#take(symbol)) throw this.#unexpected(word, described(token), token.at);
  }

  #peek(): Token {
    const begin = this.#at + (this.#match(SPACE, this.#at) ?? '').length;
    const token = (kind: TokenKind, text: string): Token => ({
      kind,
      text,
      at: begin,
      next: begin + text.length,
    });
    if (begin >= this.#text.length) return token('end', '');
    if (this.#text[begin] === '"') return token('quote', '"');
    const number = this.#match(NUMBER, begin);
    if (number !== undefined) return token(number.includes('.') ? 'float' : 'int', number);
    const identifier = this.#match(IDENTIFIER, begin);
    if (identifier !== undefined) return token('identifier', identifier);
    const symbol = this.#match(SYMBOL, begin);
    if (symbol !== undefined) return token('symbol', symbol);
    return token('invalid', String.fromCodePoint(this.#text.codePointAt(begin) as number));
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[0];
  }

  #unexpected(expected: string, found: string, at: number): InterpolationError {
    return this.#error(at, `expected ${expected} but found ${found}`);
  }

  #error(at: number, problem: string): InterpolationError {
    return new InterpolationError(`parse error at ${placeIn(this.#text, at)}: ${problem}`);
  }
}

/** "2:7": line and column, both from 1 on, columns in characters. */
export function placeIn(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n');
  return `${lines.length}:${[...(lines.at(-1) as string)].length + 1}`;
}

function described({ kind, text }: Token): string {
  if (kind === 'end') return 'end of string';
  if (kind === 'invalid') return `invalid sequence ${quote(text)}`;
  if (kind === 'int') return `integer ${text}`;
  if (kind === 'float') return `float ${text}`;
  if (kind === 'quote') return 'opening quote';
  return ['&&', '||', '!=', '>=', '<='].includes(text) ? text : quote(text);
}

const quote = (text: string): string => JSON.stringify(text);
