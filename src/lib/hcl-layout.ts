/**
 * HCL of the first generation as its own formatter lays it out: one item a line, two spaces for each level, blank lines
 * around blocks, the values of neighbours below one another. Comments stay where they are. Looked up in what
 * `hclfmt` prints.
 */

interface Item {
  /** Comments that stand by themselves in front of it: groups of lines. */
  standing: string[][];
  /** Comments directly above it. */
  lead: string[];
  /** As written, with their quotes. */
  keys: string[];
  hasAssign: boolean;
  /** A literal or list as it is to be written, or the items between braces. */
  value: string | Block;
  /** Comment behind it on the same line, or "". */
  tail: string;
  line: number;
}

interface Block {
  items: Item[];
  /** Comments behind the last item. */
  standing: string[][];
}

interface Token {
  kind: 'comment' | 'text' | 'mark' | 'end';
  text: string;
  line: number;
  endLine: number;
}

const PIECE =
  /(\s+)|(#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:[^"\\]|\\.)*"|<<-?([\p{L}\p{N}_]+)\r?\n[\s\S]*?\n[ \t]*\4(?=\s|$)|[^\s{}[\]=,"#]+)|([{}[\]=,])/uy;

/** Lays out a text that is HCL: whoever calls it has parsed it before. */
export function layOutHcl(text: string): string {
  const reader = new Reader(tokensOf(text));
  return fileText(reader.block());
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  PIECE.lastIndex = 0;
  for (let match = PIECE.exec(text); match !== null && match[0] !== ''; match = PIECE.exec(text)) {
    const [whole, , comment, literal] = match;
    const endLine = line + (whole.match(/\n/g)?.length ?? 0);
    const kind = comment !== undefined ? 'comment' : literal !== undefined ? 'text' : 'mark';
    if (whole.trim() !== '') tokens.push({ kind, text: whole.trimEnd(), line, endLine });
    line = endLine;
  }
  tokens.push({ kind: 'end', text: '', line: line + 1, endLine: line + 1 });
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Items up to the brace that closes them, or to the end. */
  block(): Block {
    const items: Item[] = [];
    for (;;) {
      const groups = this.#comments();
      const next = this.#next;
      if (next.kind === 'end' || next.text === '}') return { items, standing: groups.map(linesOf) };
      if (next.text === ',') {
        this.#at++;
        continue;
      }
      const last = groups.at(-1);
      const isLead = last !== undefined && last.at(-1)?.endLine === next.line - 1;
      const lead = isLead ? linesOf(groups.pop() ?? []) : [];
      items.push(this.#item(groups.map(linesOf), lead));
    }
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** Comments that follow, those on neighbouring lines together. */
  #comments(): Token[][] {
    const groups: Token[][] = [];
    for (; this.#next.kind === 'comment'; this.#at++) {
      const before = groups.at(-1)?.at(-1);
      if (before !== undefined && before.endLine + 1 === this.#next.line) groups.at(-1)?.push(this.#next);
      else groups.push([this.#next]);
    }
    return groups;
  }

  #item(standing: string[][], lead: string[]): Item {
    const { line } = this.#next;
    const keys: string[] = [];
    for (; this.#next.kind === 'text'; this.#at++) keys.push(this.#next.text);
    const hasAssign = this.#next.text === '=';
    if (hasAssign) this.#at++;
    const value = this.#value();
    const { endLine } = this.#tokens[this.#at - 1] as Token;
    let tail = '';
    if (typeof value === 'string' && this.#next.kind === 'comment' && this.#next.line === endLine) {
      tail = this.#next.text;
      this.#at++;
    }
    return { standing, lead, keys, hasAssign, value, tail, line };
  }

  #value(): string | Block {
    const token = this.#next;
    this.#at++;
    if (token.text === '[') return this.#list();
    if (token.text !== '{') return token.text;
    const block = this.block();
    this.#at++;
    return block;
  }

  #list(): string {
    const values: string[] = [];
    for (; this.#next.text !== ']' && this.#next.kind !== 'end'; ) {
      if (this.#next.text === ',' || this.#next.kind === 'comment') this.#at++;
      else {
        const value = this.#value();
        values.push(typeof value === 'string' ? value : blockText(value));
      }
    }
    this.#at++;
    return `[${values.join(', ')}]`;
  }
}

const linesOf = (group: readonly Token[]): string[] => group.map(({ text }) => text);

/** Between items there is a blank line unless both are short and were neighbours. */
function fileText({ items, standing }: Block): string {
  let out = '';
  for (const [at, item] of items.entries()) {
    out += item.standing.map((lines) => `${lines.join('\n')}\n\n`).join('');
    out += itemText(item);
    const next = items[at + 1];
    if (next === undefined) break;
    const areNeighbours = next.line === item.line + 1 && isShort(item) && isShort(next);
    out += areNeighbours ? '\n' : '\n\n';
  }
  // What stands behind everything ends with line breaks of its own.
  const before = out === '' ? '' : '\n\n';
  return out + standing.map((lines) => `${before}${lines.join('\n')}\n`).join('');
}

/** Only empty blocks may stand below one another without a blank line. */
function isShort({ value, lead, hasAssign }: Item): boolean {
  return typeof value !== 'string' && value.items.length === 0 && lead.length === 0 && !hasAssign;
}

function itemText(item: Item, width = 0, valueWidth = 0): string {
  const { lead, keys, hasAssign, value, tail } = item;
  const name = hasAssign ? `${keys.join(' ').padEnd(width)} =` : keys.join(' ');
  const text = typeof value === 'string' ? value : blockText(value);
  const behind = tail === '' ? '' : ` ${' '.repeat(Math.max(0, valueWidth - text.length))}${tail}`;
  return [...lead, `${name} ${text}${behind}`].join('\n');
}

function blockText({ items, standing }: Block): string {
  if (items.length === 0 && standing.length === 0) return '{}';
  const parts: string[] = [];
  for (const group of neighboursOf(items)) {
    parts.push(...(group[0]?.standing ?? []).map((lines) => lines.join('\n')));
    const [width, valueWidth] =
      group.length === 1 ? [0, 0] : [longest(group, keyOf), longest(group, ({ value }) => String(value))];
    parts.push(group.map((item) => itemText(item, width, valueWidth)).join('\n'));
  }
  parts.push(...standing.map((lines) => lines.join('\n')));
  return `{\n${indented(parts.join('\n\n'))}\n}`;
}

/** Short items on lines that follow one another, together; the others one by one. */
function neighboursOf(items: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (const item of items) {
    const before = groups.at(-1)?.at(-1);
    const joins =
      before !== undefined &&
      before.line + 1 === item.line &&
      typeof before.value === 'string' &&
      typeof item.value === 'string' &&
      item.standing.length === 0 &&
      item.lead.length === 0;
    if (joins) groups.at(-1)?.push(item);
    else groups.push([item]);
  }
  return groups;
}

const keyOf = ({ keys }: Item): string => keys.join(' ');

function longest(items: readonly Item[], textOf: (item: Item) => string): number {
  return Math.max(...items.map((item) => textOf(item).length));
}

/** Lines of a heredoc stay where they are: indented they would say something else. */
function indented(text: string): string {
  let anchor: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      if (anchor !== undefined) {
        if (line.trim() === anchor) anchor = undefined;
        return line;
      }
      anchor = /<<-?([\p{L}\p{N}_]+)$/u.exec(line)?.[1];
      return line === '' ? line : `  ${line}`;
    })
    .join('\n');
}
