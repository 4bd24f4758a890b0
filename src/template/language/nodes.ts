/** What the parser makes of a template, and how messages show it. */
import { quote } from './quote.ts';

/** Numbers without a type yet: every reading that the literal allows. */
export interface Constant {
  readonly text: string;
  readonly int?: bigint;
  readonly uint?: bigint;
  readonly float?: number;
  readonly complex?: { readonly real: number; readonly imaginary: number };
}

interface Placed {
  /** Where it begins in the text, in UTF-16 units. */
  readonly at: number;
}

export type Operand = Placed &
  (
    | { readonly kind: 'bool'; readonly value: boolean }
    | { readonly kind: 'number'; readonly constant: Constant }
    | { readonly kind: 'string'; readonly written: string; readonly value: string }
    | { readonly kind: 'nil' }
    | { readonly kind: 'dot' }
    | { readonly kind: 'field'; readonly names: readonly string[] }
    | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'chain'; readonly of: Operand; readonly names: readonly string[] }
    | Pipe
  );

export interface Command extends Placed {
  readonly operands: readonly Operand[];
}

export interface Pipe extends Placed {
  readonly kind: 'pipe';
  /** Names with their "$", of variables that it declares or sets. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export type Node = Placed &
  (
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'action'; readonly pipe: Pipe }
    | {
        readonly kind: 'if' | 'with' | 'range';
        readonly pipe: Pipe;
        readonly body: List;
        readonly otherwise: List | undefined;
      }
    | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined }
    | { readonly kind: 'break' | 'continue' }
  );

export type List = readonly Node[];

/** One defined template: its body, and the text in which it stands. */
export interface Tree {
  readonly name: string;
  readonly source: Source;
  readonly body: List;
}

export interface Source {
  /** As places in messages name it. */
  readonly name: string;
  readonly text: string;
}

const dotted = (names: readonly string[]): string => names.map((name) => `.${name}`).join('');

function showOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'bool':
      return String(operand.value);
    case 'number':
      return operand.constant.text;
    case 'string':
      return operand.written;
    case 'nil':
      return 'nil';
    case 'dot':
      return '.';
    case 'field':
      return dotted(operand.names);
    case 'variable':
      return operand.name + dotted(operand.names);
    case 'function':
      return operand.name;
    case 'chain':
      return (
        (operand.of.kind === 'pipe' ? `(${show(operand.of)})` : show(operand.of)) + dotted(operand.names)
      );
    case 'pipe':
      return showPipe(operand);
  }
}

function showCommand({ operands }: Command): string {
  return operands.map((one) => (one.kind === 'pipe' ? `(${showPipe(one)})` : showOperand(one))).join(' ');
}

function showPipe({ variables, assigns, commands }: Pipe): string {
  const declared = variables.length === 0 ? '' : `${variables.join(', ')} ${assigns ? '=' : ':='} `;
  return declared + commands.map(showCommand).join(' | ');
}

function showList(list: List): string {
  return list.map((node) => show(node)).join('');
}

/** As Go's messages show a part of a template. */
export function show(node: Operand | Command | Node): string {
  if (!('kind' in node)) return showCommand(node);
  switch (node.kind) {
    case 'text':
      return quote(node.text);
    case 'action':
      return `{{${showPipe(node.pipe)}}}`;
    case 'if':
    case 'with':
    case 'range': {
      const otherwise = node.otherwise === undefined ? '' : `{{else}}${showList(node.otherwise)}`;
      return `{{${node.kind} ${showPipe(node.pipe)}}}${showList(node.body)}${otherwise}{{end}}`;
    }
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${showPipe(node.pipe)}`}}}`;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
    default:
      return showOperand(node);
  }
}
