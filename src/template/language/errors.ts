/** What goes wrong in a template: one class, in Go's words, with the place. */
import { MusterError } from '../../errors.ts';
import { byteLength } from './bytes.ts';
import { type Command, type Node, type Operand, type Source, show } from './nodes.ts';

/** A template that cannot be parsed or that failed while it was carried out. */
export class TemplateError extends MusterError {
  /** Name of the text in which it is. */
  readonly template: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;

  constructor(message: string, source: Source, at: number, options?: { cause?: unknown }) {
    super('template.invalid', message, options);
    const before = source.text.slice(0, at);
    this.template = source.name;
    this.line = before.split('\n').length;
    this.column = before.length - before.lastIndexOf('\n');
  }
}

/** A text that is no template. */
export function parseError(source: Source, at: number, line: number, message: string): TemplateError {
  return new TemplateError(`template: ${source.name}:${line}: ${message}`, source, at);
}

/** Something in the template `name` that failed: at `node`, whose place Go counts in bytes from 0. */
export function executeError(
  source: Source,
  name: string,
  node: Node | Operand | Command,
  message: string,
  cause?: unknown,
): TemplateError {
  const before = source.text.slice(0, node.at);
  const line = before.split('\n').length;
  const column = byteLength(before.slice(before.lastIndexOf('\n') + 1));
  const place = `${source.name}:${line}:${column}`;
  return new TemplateError(
    `template: ${place}: executing ${JSON.stringify(name)} at <${show(node)}>: ${message}`,
    source,
    node.at,
    cause === undefined ? undefined : { cause },
  );
}

/** Something that a function or a value refuses; becomes a `TemplateError` with the place where it happened. */
export class ValueError extends Error {}

/** Execution went past a limit; not to be mistaken for a mistake of the template's author. */
export class LimitError extends Error {
  /** What was ranged over then. */
  readonly at: Operand | undefined;

  constructor(message: string, at?: Operand) {
    super(message);
    this.at = at;
  }
}
