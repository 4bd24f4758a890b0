/** From the text of a template to tokens. The language is that of Go's text/template, its messages are Go's. */
import { isPrint, quote } from './quote.ts';

export type TokenKind =
  | 'error'
  | 'text'
  | 'leftDelim'
  | 'rightDelim'
  | 'space'
  | 'pipe'
  | '('
  | ')'
  | '='
  | ':='
  | 'char'
  | 'bool'
  | 'charConstant'
  | 'complex'
  | 'number'
  | 'string'
  | 'rawString'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'dot'
  | 'nil'
  | Keyword
  | 'EOF';

const KEYWORDS = [
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
] as const;
export type Keyword = (typeof KEYWORDS)[number];
const isKeyword = (word: string): word is Keyword => (KEYWORDS as readonly string[]).includes(word);

export interface Token {
  readonly kind: TokenKind;
  /** What was written, or the message of an error. */
  readonly text: string;
  /** Where it begins, in UTF-16 units. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
}

export interface Delimiters {
  readonly left: string;
  readonly right: string;
}

export const DELIMITERS: Delimiters = { left: '{{', right: '}}' };

const SPACE = /[ \t\r\n]+/y;
const LETTER = /[_\p{L}\p{Nd}]/uy;
const WORD = /[_\p{L}\p{Nd}]*/uy;
/** Wide enough for what looks like a number; the parser reads it exactly. */
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*\.?[0-7_]*|0[bB][01_]*\.?[01_]*|[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?)i?/y;

/** `U+0040 '@'`, as Go's %#U. */
export function unicodeOf(code: number): string {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return isPrint(code) ? `${name} '${String.fromCodePoint(code)}'` : name;
}

/** The tokens of a text; the last is "EOF" or "error". */
export function tokensOf(input: string, { left, right }: Delimiters): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;

  const emit = (kind: TokenKind, end: number): void => {
    const text = input.slice(at, end);
    tokens.push({ kind, text, at, line });
    skipTo(end);
  };
  const skipTo = (end: number): void => {
    for (let i = at; i < end; i++) if (input.charCodeAt(i) === 10) line++;
    at = end;
  };
  const fail = (message: string, end = at): false => {
    // Unfinished constants are reported where the text broke off.
    const begin = at;
    const before = line;
    skipTo(end);
    tokens.push({ kind: 'error', text: message, at: begin, line: before });
    return false;
  };
  /** End of what matches at `from`; `from` itself when nothing does. */
  const matchEnd = (pattern: RegExp, from: number): number => {
    pattern.lastIndex = from;
    return pattern.test(input) ? pattern.lastIndex : from;
  };
  const isSpace = (index: number): boolean => ' \t\r\n'.includes(input[index] || 'x');
  /** Length of a right delimiter at `index`: 0 when there is none; with its trim marker otherwise. */
  const rightDelimAt = (index: number): number => {
    if (isSpace(index) && input[index + 1] === '-' && input.startsWith(right, index + 2))
      return 2 + right.length;
    return input.startsWith(right, index) ? right.length : 0;
  };
  const closeAction = (length: number): void => {
    const trims = length > right.length;
    if (trims) skipTo(at + 2);
    emit('rightDelim', at + right.length);
    if (trims) skipTo(matchEnd(SPACE, at));
  };
  const endsWord = (index: number): boolean =>
    index >= input.length ||
    isSpace(index) ||
    '.,|:)('.includes(input[index] as string) ||
    input.startsWith(right, index);
  const charAt = (index: number): string =>
    index < input.length ? String.fromCodePoint(input.codePointAt(index) as number) : '';
  const badCharacter = (index: number): false =>
    fail(`bad character ${unicodeOf(input.codePointAt(index) ?? 0xfffd)}`);

  /** The rest of a text up to and with the next delimiter and what stands in it. False: it is over. */
  const scan = (): boolean => {
    const open = input.indexOf(left, at);
    if (open === -1) {
      if (at < input.length) emit('text', input.length);
      emit('EOF', input.length);
      return false;
    }
    const inside = open + left.length;
    const trims = input[inside] === '-' && isSpace(inside + 1);
    const textEnd = trims ? at + input.slice(at, open).replace(/[ \t\r\n]+$/, '').length : open;
    if (textEnd > at) emit('text', textEnd);
    skipTo(open);
    const begin = inside + (trims ? 2 : 0);
    if (input.startsWith('/*', begin)) return comment(begin);
    emit('leftDelim', inside);
    skipTo(begin);
    return action();
  };

  const comment = (begin: number): boolean => {
    skipTo(begin);
    const close = input.indexOf('*/', begin + 2);
    if (close === -1) return fail('unclosed comment');
    const length = rightDelimAt(close + 2);
    if (length === 0) return fail('comment ends before closing delimiter');
    skipTo(close + 2 + length);
    if (length > right.length) skipTo(matchEnd(SPACE, at));
    return true;
  };

  const action = (): boolean => {
    let parentheses = 0;
    for (;;) {
      const length = rightDelimAt(at);
      if (length > 0) {
        if (parentheses > 0) return fail('unclosed left paren');
        closeAction(length);
        return true;
      }
      const char = charAt(at);
      if (char === '') return fail('unclosed action');
      if (isSpace(at)) {
        let end = matchEnd(SPACE, at);
        // The space before a trimming delimiter belongs to it.
        if (end - at > 1 && rightDelimAt(end - 1) > right.length) end--;
        emit('space', end);
      } else if (char === '=') emit('=', at + 1);
      else if (char === ':') {
        if (input[at + 1] !== '=') return fail('expected :=');
        emit(':=', at + 2);
      } else if (char === '|') emit('pipe', at + 1);
      else if (char === '"') {
        if (!quoted('"', 'string', 'unterminated quoted string')) return false;
      } else if (char === '`') {
        const end = input.indexOf('`', at + 1);
        if (end === -1) return fail('unterminated raw quoted string', input.length);
        emit('rawString', end + 1);
      } else if (char === "'") {
        if (!quoted("'", 'charConstant', 'unterminated character constant')) return false;
      } else if (char === '$' || (char === '.' && !/[0-9]/.test(input[at + 1] ?? ''))) {
        if (!fieldOrVariable(char)) return false;
      } else if (/[-+.0-9]/.test(char)) {
        if (!number()) return false;
      } else if (matchEnd(LETTER, at) > at) {
        if (!word()) return false;
      } else if (char === '(') {
        parentheses++;
        emit('(', at + 1);
      } else if (char === ')') {
        parentheses--;
        if (parentheses < 0) return fail('unexpected right paren');
        emit(')', at + 1);
      } else if (/[ -~]/.test(char)) emit('char', at + 1);
      else return fail(`unrecognized character in action: ${unicodeOf(char.codePointAt(0) as number)}`);
    }
  };

  const quoted = (mark: string, kind: TokenKind, unterminated: string): boolean => {
    for (let end = at + 1; end < input.length && input[end] !== '\n'; end++) {
      if (input[end] === '\\') {
        if (input[end + 1] === '\n') break;
        end++;
      } else if (input[end] === mark) {
        emit(kind, end + 1);
        return true;
      }
    }
    return fail(unterminated);
  };

  const fieldOrVariable = (mark: string): boolean => {
    const end = matchEnd(WORD, at + 1);
    if (!endsWord(end)) return badCharacter(end);
    if (mark === '$') emit('variable', end);
    else emit(end === at + 1 ? 'dot' : 'field', end);
    return true;
  };

  const number = (): boolean => {
    let end = matchEnd(NUMBER, at);
    const bad = (): false => {
      const shown = end + charAt(end).length;
      return fail(`bad number syntax: ${quote(input.slice(at, shown))}`);
    };
    if (matchEnd(LETTER, end) > end) return bad();
    const isComplex = input[end] === '+' || input[end] === '-';
    if (isComplex) {
      end = matchEnd(NUMBER, end);
      if (matchEnd(LETTER, end) > end) return bad();
      if (input[end - 1] !== 'i') return fail(`bad number syntax: ${quote(input.slice(at, end))}`);
    }
    emit(isComplex ? 'complex' : 'number', end);
    return true;
  };

  const word = (): boolean => {
    const end = matchEnd(WORD, at);
    if (!endsWord(end)) return badCharacter(end);
    const text = input.slice(at, end);
    if (isKeyword(text)) emit(text, end);
    else if (text === 'nil') emit('nil', end);
    else emit(text === 'true' || text === 'false' ? 'bool' : 'identifier', end);
    return true;
  };

  while (scan());
  return tokens;
}
