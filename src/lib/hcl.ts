import { messageOf } from '../errors.ts';

/**
 * HCL of the first generation, the language of Consul's files and rules, as a tree of what was written. Text that
 * begins with "{" is JSON, as everywhere where Consul takes HCL.
 */
export type HclValue = string | number | boolean | HclValue[] | HclBody | null;

/** What stands between braces, or in a whole file: items in the order in which they were written. */
export interface HclBody {
  readonly items: readonly HclItem[];
}

/** `key = value` or `kind "label" { … }`. */
export interface HclItem {
  /** At least one. */
  readonly keys: readonly HclKey[];
  readonly value: HclValue;
}

export interface HclKey {
  readonly text: string;
  /** Where it begins in the text; -1 in JSON. */
  readonly offset: number;
  /** With its quotes. */
  readonly length: number;
}

export function isHclBody(value: HclValue | undefined): value is HclBody {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text that is no HCL. The message begins with the place, "At 3:7: …". */
export class HclError extends Error {}

/** Bodies and lists inside one another: nobody writes more, and the parser calls itself. */
const MAX_DEPTH = 64;

/** Reads a whole text. Throws `HclError`. */
export function parseHcl(text: string): HclBody {
  if (/^\s*\{/.test(text)) return parseJsonBody(text);
  const parser = new Parser(text);
  return parser.file();
}

function parseJsonBody(text: string): HclBody {
  try {
    return jsonBody(JSON.parse(text) as object, 0);
  } catch (error) {
    throw error instanceof HclError ? error : new HclError(messageOf(error));
  }
}

function jsonBody(value: object, depth: number): HclBody {
  return {
    items: Object.entries(value).map(([text, inner]) => ({
      keys: [{ text, offset: -1, length: 0 }],
      value: jsonValue(inner, depth + 1),
    })),
  };
}

function jsonValue(value: unknown, depth: number): HclValue {
  if (depth > MAX_DEPTH) throw new HclError('nested too deeply');
  if (Array.isArray(value)) return value.map((one) => jsonValue(one, depth + 1));
  if (typeof value === 'object' && value !== null) return jsonBody(value, depth);
  return value as string | number | boolean | null;
}

type Token =
  | {
      readonly kind: 'word' | 'string' | 'number';
      readonly text: string;
      readonly offset: number;
      end: number;
    }
  | { readonly kind: '{' | '}' | '[' | ']' | '=' | ',' | 'end'; readonly offset: number; end: number };

/** A leading 0 makes it octal, as in "perms = 0644". */
function numberOf(text: string): number {
  const octal = /^([-+]?)0([0-7]+)$/.exec(text);
  return octal === null ? Number(text) : Number(`${octal[1]}1`) * Number.parseInt(octal[2] as string, 8);
}

const SPACE = /(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const WORD = /[\p{L}_][\p{L}\p{N}_.-]*/uy;
const NUMBER = /[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/y;
const HEREDOC = /<<(-?)([\p{L}\p{N}_]+)\r?\n/uy;

/** Names of tokens as HCL's own messages have them. */
const NAMES: Readonly<Record<Token['kind'], string>> = {
  word: 'IDENT',
  string: 'STRING',
  number: 'NUMBER',
  '{': 'LBRACE',
  '}': 'RBRACE',
  '[': 'LBRACK',
  ']': 'RBRACK',
  '=': 'ASSIGN',
  ',': 'COMMA',
  end: 'EOF',
};

class Parser {
  readonly #text: string;
  #at = 0;
  #next: Token;

  constructor(text: string) {
    this.#text = text;
    this.#next = this.#scan();
  }

  file(): HclBody {
    const body = this.#body('end', 0);
    return body;
  }

  #body(end: '}' | 'end', depth: number): HclBody {
    if (depth > MAX_DEPTH) throw this.#error('nested too deeply');
    const items: HclItem[] = [];
    while (this.#next.kind !== end) {
      if (this.#next.kind === 'end') throw this.#error('object expected closing RBRACE got: EOF');
      items.push(this.#item(depth));
      if (this.#next.kind === ',') this.#take();
    }
    if (end === '}') this.#take();
    return { items };
  }

  #item(depth: number): HclItem {
    const keys: HclKey[] = [];
    for (;;) {
      const token = this.#next;
      if (token.kind === 'word' || token.kind === 'string' || token.kind === 'number') {
        this.#take();
        keys.push({ text: token.text, offset: token.offset, length: token.end - token.offset });
        continue;
      }
      if (keys.length === 0) throw this.#error(`expected: IDENT | STRING got: ${NAMES[token.kind]}`);
      if (token.kind === '=') {
        if (keys.length > 1) throw this.#error('nested object expected: LBRACE got: ASSIGN');
        this.#take();
        return { keys, value: this.#value(depth) };
      }
      if (token.kind === '{') {
        this.#take();
        return { keys, value: this.#body('}', depth + 1) };
      }
      const last = keys[keys.length - 1]?.text ?? '';
      throw this.#error(`key '${last}' expected start of object ('{') or assignment ('=')`);
    }
  }

  #value(depth: number): HclValue {
    const token = this.#next;
    switch (token.kind) {
      case 'string':
        this.#take();
        return token.text;
      case 'number':
        this.#take();
        return numberOf(token.text);
      case 'word':
        if (token.text !== 'true' && token.text !== 'false')
          throw this.#error(`Unknown token: ${this.#place(token.offset)} IDENT ${token.text}`);
        this.#take();
        return token.text === 'true';
      case '{':
        this.#take();
        return this.#body('}', depth + 1);
      case '[':
        this.#take();
        return this.#list(depth + 1);
      default:
        throw this.#error(`Unknown token: ${this.#place(token.offset)} ${NAMES[token.kind]}`);
    }
  }

  #list(depth: number): HclValue[] {
    if (depth > MAX_DEPTH) throw this.#error('nested too deeply');
    const values: HclValue[] = [];
    while (this.#next.kind !== ']') {
      values.push(this.#value(depth));
      if (this.#next.kind === ',') this.#take();
      else if ((this.#next.kind as Token['kind']) !== ']')
        throw this.#error(`error parsing list, expected comma or list end, got: ${NAMES[this.#next.kind]}`);
    }
    this.#take();
    return values;
  }

  #take(): void {
    this.#next = this.#scan();
  }

  #scan(): Token {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    const offset = SPACE.lastIndex;
    this.#at = offset;
    const char = this.#text[offset];
    if (char === undefined) return { kind: 'end', offset, end: offset };
    if ('{}[]=,'.includes(char)) {
      this.#at = offset + 1;
      return { kind: char as '{', offset, end: this.#at };
    }
    if (char === '"') return this.#string(offset);
    if (char === '<') return this.#heredoc(offset);
    for (const [kind, pattern] of [
      ['number', NUMBER],
      ['word', WORD],
    ] as const) {
      pattern.lastIndex = offset;
      const match = pattern.exec(this.#text);
      if (match === null) continue;
      this.#at = pattern.lastIndex;
      return { kind, text: match[0], offset, end: this.#at };
    }
    throw this.#error('illegal character', offset);
  }

  /** Interpolations (`${ … }`) may have quotes of their own; they are kept as written. */
  #string(offset: number): Token {
    let text = '';
    let braces = 0;
    for (let at = offset + 1; ; at++) {
      const char = this.#text[at];
      if (char === undefined || (char === '\n' && braces === 0))
        throw this.#error('literal not terminated', offset);
      if (char === '"' && braces === 0) {
        this.#at = at + 1;
        return { kind: 'string', text, offset, end: this.#at };
      }
      if (char === '$' && this.#text[at + 1] === '{') {
        braces++;
        text += '${';
        at++;
        continue;
      }
      if (braces > 0 && char === '{') braces++;
      if (braces > 0 && char === '}') braces--;
      if (char !== '\\' || braces > 0) {
        text += char;
        continue;
      }
      const [read, length] = this.#escape(at);
      text += read;
      at += length - 1;
    }
  }

  #escape(at: number): [text: string, length: number] {
    const char = this.#text[at + 1] ?? '';
    const simple: Readonly<Record<string, string>> = {
      n: '\n',
      r: '\r',
      t: '\t',
      a: '\x07',
      b: '\b',
      f: '\f',
      v: '\v',
      '\\': '\\',
      '"': '"',
    };
    if (Object.hasOwn(simple, char)) return [simple[char] as string, 2];
    const digits = { x: 2, u: 4, U: 8 }[char];
    const hex = digits === undefined ? '' : this.#text.slice(at + 2, at + 2 + digits);
    const code = Number.parseInt(hex, 16);
    if (digits === undefined || !/^[0-9a-fA-F]+$/.test(hex) || hex.length < digits || code > 0x10ffff)
      throw this.#error('illegal char escape', at);
    return [String.fromCodePoint(code), 2 + digits];
  }

  #heredoc(offset: number): Token {
    HEREDOC.lastIndex = offset;
    const match = HEREDOC.exec(this.#text);
    if (match === null) throw this.#error('heredoc expected second "<", an anchor and a line feed', offset);
    const [, indented, anchor] = match as unknown as [string, string, string];
    const lines: string[] = [];
    for (let at = HEREDOC.lastIndex; at < this.#text.length; ) {
      const feed = this.#text.indexOf('\n', at);
      const end = feed < 0 ? this.#text.length : feed;
      const line = this.#text.slice(at, end);
      if (line.trim() === anchor) {
        this.#at = end;
        return { kind: 'string', text: joined(lines, indented === '-'), offset, end };
      }
      lines.push(line);
      at = end + 1;
    }
    throw this.#error('heredoc not terminated', offset);
  }

  #place(offset: number): string {
    const before = this.#text.slice(0, offset);
    const line = before.split('\n').length;
    return `${line}:${offset - before.lastIndexOf('\n')}`;
  }

  #error(message: string, offset = this.#next.offset): HclError {
    return new HclError(`At ${this.#place(offset)}: ${message}`);
  }
}

/** Lines of a heredoc; of an indented one without the indentation that all of them have. */
function joined(lines: readonly string[], indented: boolean): string {
  const depths = lines
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length);
  const depth = indented && depths.length > 0 ? Math.min(...depths) : 0;
  return lines.map((line) => `${line.slice(depth)}\n`).join('');
}
