/** Go's regular expressions (RE2), read into a tree. The words of errors are Go's. */

/** Tells whether a code point fits. */
export type CharTest = (char: number) => boolean;

export type Assertion = 'textBegin' | 'textEnd' | 'lineBegin' | 'lineEnd' | 'word' | 'noWord';

export type Tree =
  | { readonly kind: 'empty' }
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Tree[] }
  /** `most` is Infinity without a bound; a lazy one takes as few as it can. */
  | {
      readonly kind: 'repeat';
      readonly of: Tree;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  /** What it matched can be asked for by its number, from 1 on, and by its name if it has one. */
  | { readonly kind: 'group'; readonly of: Tree; readonly number: number; readonly name: string };

export class RegexpSyntaxError extends Error {
  constructor(problem: string, at: string) {
    super(`error parsing regexp: ${problem}: \`${at}\``);
  }
}

interface Flags {
  ignoreCase: boolean;
  dotAll: boolean;
  multiLine: boolean;
  /** Turns the meaning of a question mark behind a repetition around. */
  lazy: boolean;
}

/** Go's bounds of a repetition and of nesting. */
const MAX_REPEAT = 1000;
const MAX_DEPTH = 200;

/** Throws `RegexpSyntaxError`. */
export function parseGoRegexp(pattern: string): Tree {
  return new Parser(pattern).whole();
}

class Parser {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  #groups = 0;
  #flags: Flags = { ignoreCase: false, dotAll: false, multiLine: false, lazy: false };

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  whole(): Tree {
    const tree = this.#choice();
    if (this.#at < this.#pattern.length) throw new RegexpSyntaxError('unexpected )', this.#pattern);
    return tree;
  }

  #choice(): Tree {
    if (++this.#depth > MAX_DEPTH) throw new RegexpSyntaxError('expression nests too deeply', this.#pattern);
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'choice', parts };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#at < this.#pattern.length && !this.#ahead('|') && !this.#ahead(')')) {
      const from = this.#at;
      const atom = this.#atom();
      parts.push(this.#repeated(atom, from));
    }
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'sequence', parts };
  }

  #repeated(atom: Tree, from: number): Tree {
    const operator = this.#at;
    const bounds = this.#bounds();
    if (bounds === undefined) return atom;
    const lazy = this.#take('?') !== this.#flags.lazy;
    const second = this.#at;
    if (this.#bounds() !== undefined)
      throw new RegexpSyntaxError(
        'invalid nested repetition operator',
        this.#pattern.slice(operator, second) + this.#pattern.slice(second, this.#at),
      );
    this.#at = second;
    const [least, most] = bounds;
    if (most < least || least > MAX_REPEAT || (most > MAX_REPEAT && most !== Number.POSITIVE_INFINITY))
      throw new RegexpSyntaxError('invalid repeat count', this.#pattern.slice(operator, second));
    if (this.#at === from) return atom;
    return { kind: 'repeat', of: atom, least, most, lazy };
  }

  #bounds(): [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    // A brace that is no repetition is a brace.
    const counts = this.#match(/\{(\d+)(,(\d*))?\}/y);
    if (counts === undefined) return undefined;
    const least = Number(counts[1]);
    if (counts[2] === undefined) return [least, least];
    return [least, counts[3] === '' ? Number.POSITIVE_INFINITY : Number(counts[3])];
  }

  #atom(): Tree {
    const from = this.#at;
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#char(this.#class(from));
      case '.': {
        const { dotAll } = this.#flags;
        return { kind: 'char', test: (code) => dotAll || code !== 10 };
      }
      case '^':
        return { kind: 'assert', what: this.#flags.multiLine ? 'lineBegin' : 'textBegin' };
      case '$':
        return { kind: 'assert', what: this.#flags.multiLine ? 'lineEnd' : 'textEnd' };
      case '*':
      case '+':
      case '?':
        throw new RegexpSyntaxError('missing argument to repetition operator', char);
      case '\\':
        return this.#escaped(from);
      default:
        return this.#literal(char);
    }
  }

  #group(): Tree {
    const outer = { ...this.#flags };
    const from = this.#at - 1;
    let captures = true;
    let name: RegExpExecArray | RegExpMatchArray | undefined;
    if (this.#take('?')) {
      name = this.#match(/P?<([A-Za-z0-9_]+)>/y);
      if (name === undefined) {
        const flags = this.#match(/([imsU]*)(-[imsU]+)?([:)])/y);
        if (flags === undefined || (flags[1] === '' && flags[2] === undefined && flags[3] === ')'))
          throw new RegexpSyntaxError(
            'invalid or unsupported Perl syntax',
            this.#pattern.slice(from, this.#at + 1),
          );
        this.#setFlags(flags[1] as string, true);
        this.#setFlags(flags[2] ?? '', false);
        // "(?i)" holds until the end of the group that it stands in.
        if (flags[3] === ')') return { kind: 'empty' };
        captures = false;
      }
    }
    // Groups are numbered by where they open.
    const number = captures ? ++this.#groups : 0;
    const inner = this.#choice();
    if (!this.#take(')')) throw new RegexpSyntaxError('missing closing )', this.#pattern);
    this.#flags = outer;
    return captures ? { kind: 'group', of: inner, number, name: name?.[1] ?? '' } : inner;
  }

  #setFlags(letters: string, value: boolean): void {
    const next = { ...this.#flags };
    if (letters.includes('i')) next.ignoreCase = value;
    if (letters.includes('s')) next.dotAll = value;
    if (letters.includes('m')) next.multiLine = value;
    if (letters.includes('U')) next.lazy = value;
    this.#flags = next;
  }

  #escaped(from: number): Tree {
    const assertion = ASSERTIONS[this.#pattern[this.#at] ?? ''];
    if (assertion !== undefined) {
      this.#at++;
      return { kind: 'assert', what: assertion };
    }
    if (this.#take('Q')) {
      const end = this.#pattern.indexOf('\\E', this.#at);
      const text = this.#pattern.slice(this.#at, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#pattern.length : end + 2;
      return { kind: 'sequence', parts: [...text].map((char) => this.#literal(char)) };
    }
    const set = this.#namedSet();
    return set === undefined ? this.#literal(String.fromCodePoint(this.#escapedChar(from))) : this.#char(set);
  }

  /** Behind a backslash: \d, \pL and the like, or undefined. */
  #namedSet(): CharTest | undefined {
    const perl = PERL_SETS[this.#pattern[this.#at] ?? ''];
    if (perl !== undefined) {
      this.#at++;
      return perl;
    }
    const named = this.#match(/([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/y);
    if (named === undefined) return undefined;
    const test = unicodeSet(named[3] ?? (named[4] as string), named[0]);
    const negated = (named[1] === 'P') !== (named[2] === '^');
    return negated ? (code) => !test(code) : test;
  }

  #escapedChar(from: number): number {
    const hex = this.#match(/x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/y);
    if (hex !== undefined) {
      const code = Number.parseInt(hex[1] ?? (hex[2] as string), 16);
      if (code <= 0x10ffff) return code;
    }
    const octal = this.#match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y);
    if (octal !== undefined) return Number.parseInt(octal[0], 8);
    if (this.#at >= this.#pattern.length)
      throw new RegexpSyntaxError('trailing backslash at end of expression', '');
    const char = this.#next();
    const control = CONTROL_ESCAPES[char];
    if (control !== undefined) return control;
    const code = char.codePointAt(0) as number;
    if (code >= 0x80 || /[A-Za-z0-9_]/.test(char))
      throw new RegexpSyntaxError('invalid escape sequence', this.#pattern.slice(from, this.#at));
    return code;
  }

  #class(from: number): CharTest {
    const negated = this.#take('^');
    const tests: CharTest[] = [];
    let first = true;
    while (first || !this.#ahead(']')) {
      if (this.#at >= this.#pattern.length)
        throw new RegexpSyntaxError('missing closing ]', this.#pattern.slice(from));
      first = false;
      tests.push(this.#classPart());
    }
    this.#at++;
    const any: CharTest = (code) => tests.some((test) => test(code));
    const folded = this.#flags.ignoreCase ? foldTest(any) : any;
    return negated ? (code) => !folded(code) : folded;
  }

  #classPart(): CharTest {
    const posix = this.#match(/\[:(\^?)([a-z]+):\]/y);
    if (posix !== undefined) {
      const set = POSIX_SETS[posix[2] as string];
      if (set === undefined) throw new RegexpSyntaxError('invalid character class range', posix[0]);
      const test: CharTest = (code) => set.test(String.fromCodePoint(code));
      return posix[1] === '^' ? (code) => !test(code) : test;
    }
    const from = this.#at;
    if (this.#ahead('\\')) {
      this.#at++;
      const set = this.#namedSet();
      if (set !== undefined) return set;
      this.#at--;
    }
    const low = this.#classChar();
    if (!this.#ahead('-') || this.#pattern[this.#at + 1] === ']') return (code) => code === low;
    this.#at++;
    const high = this.#classChar();
    if (high < low)
      throw new RegexpSyntaxError('invalid character class range', this.#pattern.slice(from, this.#at));
    return (code) => code >= low && code <= high;
  }

  #classChar(): number {
    const from = this.#at;
    if (this.#at >= this.#pattern.length) throw new RegexpSyntaxError('missing closing ]', this.#pattern);
    const char = this.#next();
    return char === '\\' ? this.#escapedChar(from) : (char.codePointAt(0) as number);
  }

  #literal(char: string): Tree {
    const code = char.codePointAt(0) as number;
    return this.#char((other) => other === code);
  }

  #char(test: CharTest): Tree {
    return { kind: 'char', test: this.#flags.ignoreCase ? foldTest(test) : test };
  }

  #next(): string {
    const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at) as number);
    this.#at += char.length;
    return char;
  }

  #ahead(char: string): boolean {
    return this.#pattern[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#ahead(char)) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#pattern) ?? undefined;
    if (found !== undefined) this.#at += found[0].length;
    return found;
  }
}

/** Also true for a character whose other case fits. */
function foldTest(test: CharTest): CharTest {
  return (code) => {
    if (test(code)) return true;
    const char = String.fromCodePoint(code);
    const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
    return (
      test(lower.codePointAt(0) as number) ||
      (upper.length === char.length && test(upper.codePointAt(0) as number))
    );
  };
}

function unicodeSet(name: string, written: string): CharTest {
  if (name === 'Any') return () => true;
  for (const property of [name, `Script=${name}`]) {
    try {
      const set = new RegExp(`^\\p{${property}}$`, 'u');
      return (code) => set.test(String.fromCodePoint(code));
    } catch {
      // Not a property of that kind.
    }
  }
  throw new RegexpSyntaxError('invalid character class range', `\\${written}`);
}

export const isWordChar: CharTest = (code) =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);

const isDigit: CharTest = (code) => code >= 48 && code <= 57;
const isSpace: CharTest = (code) => code === 32 || code === 9 || code === 10 || code === 12 || code === 13;

const PERL_SETS: Record<string, CharTest> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  s: isSpace,
  S: (code) => !isSpace(code),
  w: isWordChar,
  W: (code) => !isWordChar(code),
};

const POSIX_SETS: Record<string, RegExp> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /\p{ASCII}/u,
  blank: /[\t ]/,
  cntrl: /\p{Cc}(?<=\p{ASCII})/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};

const ASSERTIONS: Record<string, Assertion> = { A: 'textBegin', z: 'textEnd', b: 'word', B: 'noWord' };

const CONTROL_ESCAPES: Record<string, number> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
