/** From tokens to trees, by the grammar of Go's text/template and in its words when something is wrong. */
import { readConstant } from './constants.ts';
import { Cursor } from './cursor.ts';
import { DELIMITERS, type Delimiters, type Token, type TokenKind, tokensOf } from './lexer.ts';
import type { Command, List, Node, Operand, Pipe, Source, Tree } from './nodes.ts';
import { quote, unquote } from './quote.ts';

export interface ParseOptions {
  readonly delimiters?: Delimiters;
  /** Is there a function of this name? */
  readonly hasFunction: (name: string) => boolean;
}

/** How deep a template may be nested: the parser and what it makes call themselves. */
const MAX_DEPTH = 1000;

/** The templates of a text, the text itself first. Throws `TemplateError`. */
export function parse(source: Source, { delimiters = DELIMITERS, hasFunction }: ParseOptions): Tree[] {
  const parser = new Parser(source, tokensOf(source.text, delimiters), hasFunction);
  return parser.file();
}

/** Nothing but space? Such a template does not replace another of its name. */
export function isEmpty(list: List): boolean {
  return list.every((node) => node.kind === 'text' && node.text.trim() === '');
}

/** How a list ended. */
type Ending = 'end' | 'else';

const OPERANDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  '(',
]);

class Parser {
  readonly #source: Source;
  readonly #at: Cursor;
  readonly #hasFunction: (name: string) => boolean;
  readonly #trees: Tree[] = [];
  #variables: string[] = ['$'];
  #rangeDepth = 0;
  #depth = 0;

  constructor(source: Source, tokens: readonly Token[], hasFunction: (name: string) => boolean) {
    this.#source = source;
    this.#at = new Cursor(source, tokens);
    this.#hasFunction = hasFunction;
  }

  file(): Tree[] {
    const body: Node[] = [];
    while (this.#at.peek().kind !== 'EOF') {
      const begin = this.#at.next;
      if (this.#at.peek().kind === 'leftDelim') {
        this.#at.take();
        if (this.#at.takeNonSpace().kind === 'define') {
          this.#definition();
          continue;
        }
        this.#at.next = begin;
      }
      const node = this.#textOrAction();
      if (node === 'end' || node === 'else') throw this.#at.error(`unexpected {{${node}}}`);
      body.push(node);
    }
    this.#add({ name: this.#source.name, source: this.#source, body });
    // The text itself first; an empty one is there too, so that it can be carried out.
    const main = this.#trees.find(({ name }) => name === this.#source.name) as Tree;
    return [main, ...this.#trees.filter((tree) => tree !== main)];
  }

  #add(tree: Tree): void {
    const at = this.#trees.findIndex(({ name }) => name === tree.name);
    if (at === -1) this.#trees.push(tree);
    else if (isEmpty((this.#trees[at] as Tree).body)) this.#trees[at] = tree;
    else if (!isEmpty(tree.body))
      throw this.#at.error(`template: multiple definition of template ${quote(tree.name)}`);
  }

  #definition(): void {
    const context = 'define clause';
    const token = this.#at.takeNonSpace();
    const name = this.#templateName(token, context);
    this.#at.expect('rightDelim', context);
    this.#inNewTemplate(name, context);
  }

  /** A body with variables of its own, up to its end; adds it as a template. */
  #inNewTemplate(name: string, context: string): void {
    const [variables, rangeDepth] = [this.#variables, this.#rangeDepth];
    this.#variables = ['$'];
    this.#rangeDepth = 0;
    const { list, ending } = this.#list();
    if (ending !== 'end') throw this.#at.error(`unexpected {{${ending}}} in ${context}`);
    this.#add({ name, source: this.#source, body: list });
    this.#variables = variables;
    this.#rangeDepth = rangeDepth;
  }

  #list(): { list: List; ending: Ending } {
    const list: Node[] = [];
    while (this.#at.peekNonSpace().kind !== 'EOF') {
      const node = this.#textOrAction();
      if (node === 'end' || node === 'else') return { list, ending: node };
      list.push(node);
    }
    throw this.#at.error('unexpected EOF');
  }

  #textOrAction(): Node | Ending {
    const token = this.#at.takeNonSpace();
    if (token.kind === 'text') return { kind: 'text', at: token.at, text: token.text };
    if (token.kind !== 'leftDelim') throw this.#at.unexpected(token, 'input');
    if (this.#depth >= MAX_DEPTH) throw this.#at.error(`nested more than ${MAX_DEPTH} deep`);
    this.#at.actionLine = token.line;
    this.#depth++;
    try {
      return this.#action();
    } finally {
      this.#depth--;
      this.#at.actionLine = 0;
    }
  }

  #action(): Node | Ending {
    const token = this.#at.takeNonSpace();
    switch (token.kind) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(token.kind);
      case 'else':
        return this.#else();
      case 'end':
        this.#at.expect('rightDelim', 'end');
        return 'end';
      case 'template': {
        const begin = this.#at.takeNonSpace();
        const name = this.#templateName(begin, 'template clause');
        if (this.#at.peekNonSpace().kind === 'rightDelim') {
          this.#at.takeNonSpace();
          return { kind: 'template', at: begin.at, name, pipe: undefined };
        }
        return { kind: 'template', at: begin.at, name, pipe: this.#pipe('template clause', 'rightDelim') };
      }
      case 'block': {
        const begin = this.#at.takeNonSpace();
        const name = this.#templateName(begin, 'block clause');
        const pipe = this.#pipe('block clause', 'rightDelim');
        this.#inNewTemplate(name, 'block clause');
        return { kind: 'template', at: begin.at, name, pipe };
      }
      case 'break':
      case 'continue': {
        const word = `{{${token.kind}}}`;
        const close = this.#at.takeNonSpace();
        if (close.kind !== 'rightDelim') throw this.#at.unexpected(close, word);
        if (this.#rangeDepth === 0) throw this.#at.error(`${word} outside {{range}}`);
        return { kind: token.kind, at: token.at };
      }
      default:
        this.#at.next--;
        return { kind: 'action', at: token.at, pipe: this.#pipe('command', 'rightDelim') };
    }
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const variables = this.#variables.length;
    const pipe = this.#pipe(kind, 'rightDelim');
    if (kind === 'range') this.#rangeDepth++;
    const { list: body, ending } = this.#list();
    if (kind === 'range') this.#rangeDepth--;
    let otherwise: List | undefined;
    if (ending === 'else') {
      const word = this.#at.peek();
      // "{{else if}}" and "{{else with}}" are another one inside, whose end is the end of both.
      if ((word.kind === 'if' && kind === 'if') || (word.kind === 'with' && kind === 'with')) {
        this.#at.take();
        if (this.#depth >= MAX_DEPTH) throw this.#at.error(`nested more than ${MAX_DEPTH} deep`);
        this.#depth++;
        otherwise = [this.#control(kind)];
        this.#depth--;
      } else {
        const rest = this.#list();
        if (rest.ending !== 'end') throw this.#at.error(`expected end; found {{${rest.ending}}}`);
        otherwise = rest.list;
      }
    }
    this.#variables.length = variables;
    return { kind, at: pipe.at, pipe, body, otherwise };
  }

  #else(): Ending {
    const { kind } = this.#at.peekNonSpace();
    if (kind !== 'if' && kind !== 'with') this.#at.expect('rightDelim', 'else');
    else while (this.#at.peek().kind === 'space') this.#at.take();
    return 'else';
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== 'string' && token.kind !== 'rawString') throw this.#at.unexpected(token, context);
    return this.#unquoted(token);
  }

  #unquoted(token: Token): string {
    const text = unquote(token.text);
    if (text === undefined) throw this.#at.error('invalid syntax');
    return text;
  }

  #pipe(context: string, end: 'rightDelim' | ')'): Pipe {
    const { at } = this.#at.peekNonSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#at.takeNonSpace();
      if (token.kind === end) break;
      if (!OPERANDS.has(token.kind)) throw this.#at.unexpected(token, context);
      this.#at.next--;
      commands.push(this.#command());
    }
    if (commands.length === 0) throw this.#at.error(`missing value for ${context}`);
    for (const [i, { operands }] of commands.entries()) {
      const { kind } = operands[0] as Operand;
      if (i > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(kind))
        throw this.#at.error(`non executable command in pipeline stage ${i + 1}`);
    }
    return { kind: 'pipe', at, variables, assigns, commands };
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const variables: string[] = [];
    for (;;) {
      const begin = this.#at.next;
      const token = this.#at.peekNonSpace();
      if (token.kind !== 'variable') return { variables, assigns: false };
      this.#at.takeNonSpace();
      const next = this.#at.peekNonSpace();
      const isComma = next.kind === 'char' && next.text === ',';
      if (next.kind !== '=' && next.kind !== ':=' && !isComma) {
        this.#at.next = begin;
        return { variables, assigns: false };
      }
      this.#at.takeNonSpace();
      variables.push(token.text);
      this.#variables.push(token.text);
      if (!isComma) return { variables, assigns: next.kind === '=' };
      if (context !== 'range' || variables.length > 1)
        throw this.#at.error(`too many declarations in ${context}`);
      const { kind } = this.#at.peekNonSpace();
      if (kind !== 'variable' && kind !== 'rightDelim' && kind !== ')')
        throw this.#at.error('range can only initialize variables');
    }
  }

  #command(): Command {
    const { at } = this.#at.peekNonSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.#at.peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#at.take();
      if (token.kind === 'space') continue;
      if (token.kind === 'rightDelim' || token.kind === ')') this.#at.next--;
      else if (token.kind !== 'pipe') throw this.#at.unexpected(token, 'operand');
      break;
    }
    if (operands.length === 0) throw this.#at.error('empty command');
    return { at, operands };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#at.peek().kind !== 'field') return term;
    const { at } = this.#at.peek();
    const names: string[] = [];
    while (this.#at.peek().kind === 'field') names.push(this.#at.take().text.slice(1));
    switch (term.kind) {
      case 'field':
        return { kind: 'field', at, names: [...term.names, ...names] };
      case 'variable':
        return { kind: 'variable', at, name: term.name, names: [...term.names, ...names] };
      case 'bool':
        throw this.#at.error(`unexpected . after term ${quote(String(term.value))}`);
      case 'number':
        throw this.#at.error(`unexpected . after term ${quote(term.constant.text)}`);
      case 'string':
        throw this.#at.error(`unexpected . after term ${quote(term.written)}`);
      case 'nil':
      case 'dot':
        throw this.#at.error(`unexpected . after term ${quote(term.kind === 'nil' ? 'nil' : '.')}`);
      default:
        return { kind: 'chain', at, of: term, names };
    }
  }

  #term(): Operand | undefined {
    const token = this.#at.takeNonSpace();
    const { at, text } = token;
    switch (token.kind) {
      case 'identifier':
        if (!this.#hasFunction(text)) throw this.#at.error(`function ${quote(text)} not defined`);
        return { kind: 'function', at, name: text };
      case 'dot':
        return { kind: 'dot', at };
      case 'nil':
        return { kind: 'nil', at };
      case 'variable':
        if (!this.#variables.includes(text)) throw this.#at.error(`undefined variable ${quote(text)}`);
        return { kind: 'variable', at, name: text, names: [] };
      case 'field':
        return { kind: 'field', at, names: [text.slice(1)] };
      case 'bool':
        return { kind: 'bool', at, value: text === 'true' };
      case 'charConstant':
      case 'complex':
      case 'number': {
        const constant = readConstant(text, token.kind);
        if (typeof constant === 'string') throw this.#at.error(constant);
        return { kind: 'number', at, constant };
      }
      case '(': {
        if (this.#depth >= MAX_DEPTH) throw this.#at.error(`nested more than ${MAX_DEPTH} deep`);
        this.#depth++;
        const pipe = this.#pipe('parenthesized pipeline', ')');
        this.#depth--;
        return pipe;
      }
      case 'string':
      case 'rawString':
        return { kind: 'string', at, written: text, value: this.#unquoted(token) };
      default:
        this.#at.next--;
        return undefined;
    }
  }
}
