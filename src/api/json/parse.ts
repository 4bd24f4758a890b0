/** JSON text read as Go's `json.Decoder` reads it, with Go's words for what is wrong. */

/** Whole numbers beyond 2^53 stay exact. Objects keep the order of their keys; of equal keys the last counts. */
export type Json = null | boolean | number | bigint | string | Json[] | Map<string, Json>;

/** The message is Go's, e.g. "unexpected EOF". */
export class JsonError extends Error {}

/** Deeper nesting is refused, as Go does: it bounds the recursion. */
const MAX_DEPTH = 1000;

/** Reads the first value of `text`; what follows it is left alone. Throws `JsonError`; "EOF" when there is none. */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  return parser.first();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  first(): Json {
    this.#space();
    if (this.#at >= this.#text.length) throw new JsonError('EOF');
    return this.#value('looking for beginning of value', 0);
  }

  #value(looking: string, depth: number): Json {
    if (depth > MAX_DEPTH) throw new JsonError('exceeded max depth');
    const char = this.#text[this.#at];
    switch (char) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        if (char !== undefined && (char === '-' || isDigit(char))) return this.#number();
        throw this.#unexpected(looking);
    }
  }

  #object(depth: number): Map<string, Json> {
    const members = new Map<string, Json>();
    this.#at++;
    this.#space();
    if (this.#take('}')) return members;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const name = this.#string();
      this.#space();
      if (!this.#take(':')) throw this.#unexpected('after object key');
      this.#space();
      const value = this.#value('looking for beginning of value', depth + 1);
      members.set(name, value);
      this.#space();
      if (this.#take('}')) return members;
      if (!this.#take(',')) throw this.#unexpected('after object key:value pair');
    }
  }

  #array(depth: number): Json[] {
    const elements: Json[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return elements;
    for (;;) {
      this.#space();
      elements.push(this.#value('looking for beginning of value', depth + 1));
      this.#space();
      if (this.#take(']')) return elements;
      if (!this.#take(',')) throw this.#unexpected('after array element');
    }
  }

  #string(): string {
    let result = '';
    let escaped = false;
    let from = ++this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#unexpected('');
      if (char === '"') {
        result += this.#text.slice(from, this.#at++);
        // Escapes may say half of a surrogate pair, which is no character: U+FFFD, as in Go.
        return escaped ? Buffer.from(result).toString() : result;
      }
      if (char < ' ') throw this.#unexpected('in string literal');
      if (char !== '\\') {
        this.#at++;
        continue;
      }
      result += this.#text.slice(from, this.#at++);
      result += this.#escape();
      escaped = true;
      from = this.#at;
    }
  }

  #escape(): string {
    const char = this.#text[this.#at];
    if (char === 'u') {
      this.#at++;
      let code = 0;
      for (let i = 0; i < 4; i++) {
        const digit = Number.parseInt(this.#text[this.#at] ?? '', 16);
        if (Number.isNaN(digit)) throw this.#unexpected('in \\u hexadecimal character escape');
        code = code * 16 + digit;
        this.#at++;
      }
      return String.fromCharCode(code);
    }
    const meaning = char === undefined ? undefined : SHORT_ESCAPES[char];
    if (meaning === undefined) throw this.#unexpected('in string escape code');
    this.#at++;
    return meaning;
  }

  #number(): number | bigint {
    const from = this.#at;
    this.#take('-');
    if (!this.#take('0')) this.#digits('in numeric literal');
    let whole = true;
    if (this.#take('.')) {
      whole = false;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#take('e') || this.#take('E')) {
      whole = false;
      if (!this.#take('+')) this.#take('-');
      this.#digits('in exponent of numeric literal');
    }
    const literal = this.#text.slice(from, this.#at);
    const value = Number(literal);
    return whole && !Number.isSafeInteger(value) ? BigInt(literal) : value;
  }

  #digits(where: string): void {
    if (!isDigit(this.#text[this.#at] ?? '')) throw this.#unexpected(where);
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++;
  }

  #word<Value>(word: string, value: Value): Value {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i])
        throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return value;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== ' ' && char !== '\n' && char !== '\r' && char !== '\t') return;
      this.#at++;
    }
  }

  #unexpected(where: string): JsonError {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return new JsonError('unexpected EOF');
    return new JsonError(`invalid character ${quoteChar(code)} ${where}`);
  }
}

const SHORT_ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9' && char.length === 1;
}

/** As Go quotes the byte it stumbled over. */
function quoteChar(code: number): string {
  const char = String.fromCodePoint(code);
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  if (char === '\\') return "'\\\\'";
  if (code < 0x20) return `'${JSON.stringify(char).slice(1, -1).replace('\\u00', '\\x')}'`;
  // Go looks at bytes: of a character beyond ASCII it names the first one as if that were Latin-1.
  if (code > 0x7f) return `'${String.fromCharCode(Buffer.from(char)[0] as number)}'`;
  return `'${char}'`;
}
