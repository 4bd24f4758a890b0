/** Templates of Go's text/template: parsed once, carried out as often as needed. */
import { BUILTINS } from './builtins.ts';
import { type Compiled, compile } from './compile.ts';
import { executeError, LimitError, TemplateError } from './errors.ts';
import type { MissingKey } from './fields.ts';
import type { FunctionTable } from './functions.ts';
import type { Delimiters } from './lexer.ts';
import type { Operand, Source, Tree } from './nodes.ts';
import { parse } from './parser.ts';
import { LIMITS, type Limits, Run, Scope } from './run.ts';
import type { Value } from './value.ts';

export interface TemplateOptions {
  /** Besides Go's own, which they may replace. */
  readonly functions?: FunctionTable;
  readonly delimiters?: Delimiters;
  /** Default: "invalid", which writes "<no value>". */
  readonly missingKey?: MissingKey;
  readonly limits?: Partial<Limits>;
}

export class Template {
  readonly name: string;
  readonly #options: TemplateOptions;
  readonly #functions: FunctionTable;
  readonly #limits: Limits;
  readonly #trees: ReadonlyMap<string, Tree>;
  readonly #compiled = new Map<string, Compiled>();

  /** Throws `TemplateError` for a text that is no template. `name` is how messages call it. */
  constructor(name: string, text: string, options: TemplateOptions = {}) {
    this.name = name;
    this.#options = options;
    this.#functions = { ...BUILTINS, ...options.functions };
    this.#limits = { ...LIMITS, ...options.limits };
    const source: Source = { name, text };
    const trees = parse(source, {
      ...(options.delimiters === undefined ? {} : { delimiters: options.delimiters }),
      hasFunction: (word) => Object.hasOwn(this.#functions, word),
    });
    this.#trees = new Map(trees.map((tree) => [tree.name, tree]));
  }

  /** Names of the templates that it defines, its own among them. */
  get defined(): string[] {
    return [...this.#trees.keys()];
  }

  /**
   * What the template makes of `data`; throws `TemplateError` with the place when it fails. `name` chooses another of the
   * defined ones.
   */
  execute(data: Value = undefined, name = this.name): string {
    const compiled = this.#lookup(name);
    if (compiled === undefined)
      throw new Error(
        `template: no template ${JSON.stringify(name)} associated with template ${JSON.stringify(this.name)}`,
      );
    const run = new Run(this.#limits);
    try {
      compiled.execute({ variables: [data], run, depth: 0 }, data);
    } catch (error) {
      if (error instanceof LimitError) throw this.#atLimit(compiled.tree, error.message, error.at);
      if (error instanceof RangeError) throw this.#atLimit(compiled.tree, 'nested too deeply');
      throw error;
    }
    return run.out;
  }

  #atLimit({ source, name }: Tree, message: string, at?: Operand): TemplateError {
    if (at !== undefined) return executeError(source, name, at, message);
    return new TemplateError(
      `template: ${source.name}: executing ${JSON.stringify(name)}: ${message}`,
      source,
      0,
    );
  }

  #lookup(name: string): Compiled | undefined {
    const known = this.#compiled.get(name);
    const tree = this.#trees.get(name);
    if (known !== undefined || tree === undefined) return known;
    const execute = compile(
      {
        tree,
        functions: this.#functions,
        missingKey: this.#options.missingKey ?? 'invalid',
        scope: new Scope(),
        lookup: (other) => this.#lookup(other),
      },
      tree.body,
    );
    const compiled: Compiled = { tree, execute };
    this.#compiled.set(name, compiled);
    return compiled;
  }
}
