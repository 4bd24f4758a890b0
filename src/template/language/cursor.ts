/** The tokens of a text, one after the other, and what is wrong with the one that was taken last, in Go's words. */
import { parseError } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';
import type { Source } from './nodes.ts';
import { quote } from './quote.ts';

export class Cursor {
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  /** Which one is taken next; set to go back. */
  next = 0;
  /** Line on which the action began that is being read; 0 outside. */
  actionLine = 0;

  constructor(source: Source, tokens: readonly Token[]) {
    this.#source = source;
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[Math.min(this.next, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.next++;
    return token;
  }

  takeNonSpace(): Token {
    for (;;) {
      const token = this.take();
      if (token.kind !== 'space') return token;
    }
  }

  /** Leaves the spaces where they are: one may end an operand. */
  peekNonSpace(): Token {
    const begin = this.next;
    const token = this.takeNonSpace();
    this.next = begin;
    return token;
  }

  expect(kind: TokenKind, context: string): void {
    const token = this.takeNonSpace();
    if (token.kind !== kind) throw this.unexpected(token, context);
  }

  error(message: string): Error {
    const token = this.#tokens[Math.min(Math.max(0, this.next - 1), this.#tokens.length - 1)] as Token;
    return parseError(this.#source, token.at, token.line, message);
  }

  unexpected(token: Token, context: string): Error {
    if (token.kind !== 'error') return this.error(`unexpected ${shown(token)} in ${context}`);
    const elsewhere = this.actionLine !== 0 && this.actionLine !== token.line;
    const began = `started at ${this.#source.name}:${this.actionLine}`;
    const where = !elsewhere ? '' : token.text.endsWith(' action') ? ` ${began}` : ` in action ${began}`;
    return this.error(`${token.text}${where}`);
  }
}

/** Tokens that Go's messages show in angle brackets. */
const WORDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'block',
  'break',
  'continue',
  'define',
  'dot',
  'else',
  'end',
  'if',
  'range',
  'nil',
  'template',
  'with',
]);

/** A token as Go's messages show it. */
function shown({ kind, text }: Token): string {
  if (kind === 'EOF') return 'EOF';
  if (WORDS.has(kind)) return `<${text}>`;
  const characters = [...text];
  return characters.length > 10 ? `${quote(characters.slice(0, 10).join(''))}...` : quote(text);
}
