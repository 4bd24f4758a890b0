import {
  type Expression,
  InterpolationError,
  type Operator,
  parseInterpolation,
  placeIn,
} from './interpolation-syntax.ts';

export { InterpolationError };

/** What the expressions of a text may use. */
export interface Scope {
  readonly variables: ReadonlyMap<string, string>;
  /** Functions of one whole number. */
  readonly functions: ReadonlyMap<string, (argument: number) => string>;
}

/** A text with expressions that was read. It keeps no state between calls. */
export interface Interpolation {
  /** The text with the values of its expressions. Throws `InterpolationError` where one has none in this scope. */
  evaluate(scope: Scope): string;
}

type Value =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int' | 'float'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean };

type Type = Value['type'];

/** Reads a text with `${…}` in HIL's language, without lists and maps. Throws `InterpolationError` in HIL's words. */
export function compileInterpolation(text: string): Interpolation {
  const tree = parseInterpolation(text);
  return { evaluate: (scope) => textOf(evaluate(tree, { ...scope, text })) };
}

/** With the text itself, for the places of errors. */
type Evaluation = Scope & { readonly text: string };

function evaluate(tree: Expression, scope: Evaluation): Value {
  switch (tree.kind) {
    case 'string':
      return { type: 'string', value: tree.value };
    case 'int':
    case 'float':
      return { type: tree.kind, value: tree.value };
    case 'bool':
      return { type: 'bool', value: tree.value };
    case 'text':
      return { type: 'string', value: tree.parts.map((part) => textOf(evaluate(part, scope))).join('') };
    case 'variable': {
      const value = scope.variables.get(tree.name);
      if (value === undefined)
        throw new InterpolationError(
          `${placeIn(scope.text, tree.at)}: unknown variable accessed: ${tree.name}`,
        );
      return { type: 'string', value };
    }
    case 'call':
      return call(tree, scope);
    case 'operation':
      return operate(tree.operator, evaluate(tree.left, scope), evaluate(tree.right, scope));
    case 'condition': {
      // Both sides are looked at, as in HIL: an error does not hide in the one that is not taken.
      const test = convert(evaluate(tree.test, scope), 'bool');
      const [yes, no] = [evaluate(tree.yes, scope), evaluate(tree.no, scope)];
      return test.value ? yes : no;
    }
  }
}

function call({ name, args, at }: Expression & { kind: 'call' }, scope: Evaluation): Value {
  const place = placeIn(scope.text, at);
  const of = scope.functions.get(name);
  if (of === undefined) throw new InterpolationError(`${place}: unknown function called: ${name}`);
  const [argument] = args;
  if (argument === undefined || args.length > 1)
    throw new InterpolationError(`${place}: ${name}: expected 1 arguments, got ${args.length}`);
  return { type: 'string', value: of(numberOf(evaluate(argument, scope), 'int')) };
}

function operate(operator: Operator, left: Value, right: Value): Value {
  switch (operator) {
    case '&&':
    case '||': {
      const [a, b] = [convert(left, 'bool').value, convert(right, 'bool').value];
      return { type: 'bool', value: Boolean(operator === '&&' ? a && b : a || b) };
    }
    case '==':
    case '!=':
      // The left side says what is compared.
      return {
        type: 'bool',
        value: (left.value === convert(right, left.type).value) === (operator === '=='),
      };
    case '<':
    case '>':
    case '<=':
    case '>=': {
      if (left.type !== 'int' && left.type !== 'float')
        throw new InterpolationError('<, >, <= and >= may apply only to int and float values');
      return { type: 'bool', value: compare(operator, left.value, numberOf(right, left.type)) };
    }
    default: {
      const type = [left.type, right.type].find((one) => one === 'int' || one === 'float') ?? 'int';
      return { type, value: compute(operator, type, numberOf(left, type), numberOf(right, type)) };
    }
  }
}

function compare(operator: '<' | '>' | '<=' | '>=', a: number, b: number): boolean {
  if (operator === '<') return a < b;
  if (operator === '>') return a > b;
  return operator === '<=' ? a <= b : a >= b;
}

function compute(operator: '+' | '-' | '*' | '/' | '%', type: 'int' | 'float', a: number, b: number): number {
  if (type === 'int' && b === 0 && (operator === '/' || operator === '%'))
    throw new InterpolationError('__builtin_IntMath: divide by zero');
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return type === 'int' ? Math.trunc(a / b) : a / b;
    case '%':
      if (type === 'float') throw new InterpolationError('modulo cannot be used with floats');
      return a % b;
  }
}

function numberOf(value: Value, type: 'int' | 'float'): number {
  return convert(value, type).value as number;
}

/** Values are converted where another type is asked for, as far as there is a meaning to it. */
function convert(from: Value, type: Type): Value {
  if (from.type === type) return from;
  if (type === 'string') return { type, value: textOf(from) };
  if (type === 'bool') {
    const known = from.type === 'string' ? BOOLEANS.get(from.value) : undefined;
    if (known === undefined) throw unconvertible(from, type);
    return { type, value: known };
  }
  if (from.type === 'bool') throw unconvertible(from, type);
  if (from.type !== 'string') return { type, value: type === 'int' ? Math.trunc(from.value) : from.value };
  const written = type === 'int' ? /^[+-]?\d+$/ : /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
  if (!written.test(from.value)) throw unconvertible(from, type);
  return { type, value: Number(from.value) };
}

/** What Go's `strconv.ParseBool` takes. */
const BOOLEANS = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

const PARSERS = { int: 'ParseInt', float: 'ParseFloat', bool: 'ParseBool', string: '' } as const;
const TITLES = { int: 'Int', float: 'Float', bool: 'Bool', string: 'String' } as const;

function unconvertible(from: Value, type: Type): InterpolationError {
  if (from.type !== 'string') return new InterpolationError(`should be type ${type}, got type ${from.type}`);
  const parser = `strconv.${PARSERS[type]}: parsing ${JSON.stringify(from.value)}`;
  return new InterpolationError(`__builtin_StringTo${TITLES[type]}: ${parser}: invalid syntax`);
}

function textOf({ value }: Value): string {
  // A zero has no sign.
  return value === 0 ? '0' : String(value);
}
