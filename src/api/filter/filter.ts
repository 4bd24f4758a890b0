import { messageOf } from '../../errors.ts';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import { HttpError } from '../http-error.ts';
import type { FieldType, StructType } from './fields.ts';
import { type Comparison, type Expression, type Operator, parseFilter } from './grammar.ts';

/** True for an item that the filter lets through. Items are the JSON that will be answered. */
export type Filter = (item: object) => boolean;

/** A filter that does not fit the fields it is used on. */
class FilterError extends Error {}

/**
 * Compiles the text of `?filter=` for items of a type; "" lets everything through. Throws 500 in Consul's words
 * for what cannot be read, an unknown field, or an operator that does not fit its field.
 */
export function compileFilter(text: string, type: StructType): Filter {
  if (text === '') return () => true;
  try {
    return compile(parseFilter(text), type);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new HttpError(500, `Failed to create boolean expression evaluator: ${error.message}`);
  }
}

function compile(expression: Expression, type: StructType): Filter {
  switch (expression.kind) {
    case 'comparison':
      return compileComparison(expression, type);
    case 'not': {
      const of = compile(expression.of, type);
      return (item) => !of(item);
    }
    case 'and': {
      const [left, right] = [compile(expression.left, type), compile(expression.right, type)];
      return (item) => left(item) && right(item);
    }
    case 'or': {
      const [left, right] = [compile(expression.left, type), compile(expression.right, type)];
      return (item) => left(item) || right(item);
    }
  }
}

/** What is asked of the value that a selector leads to; undefined: a map has no such key. */
type Predicate = (value: unknown) => boolean;

function compileComparison({ selector, operator, value }: Comparison, type: StructType): Filter {
  const fieldType = typeAt(type, selector);
  const name = selector.join('.');
  if (!supported(fieldType).includes(operator))
    throw new FilterError(`Invalid match operator "${operator}" for selector "${name}"`);
  const holds = predicate(fieldType, operator, value, name);
  return (item) => anyAt(item, type, selector, 0, holds);
}

/** Type of the field that `selector` leads to. Lists are passed through: any of their elements may match. */
function typeAt(type: FieldType, selector: readonly string[]): FieldType {
  let at = type;
  for (const [depth, name] of selector.entries()) {
    while (at.kind === 'list') at = at.of;
    const next: FieldType | undefined =
      at.kind === 'map'
        ? at.of
        : at.kind === 'struct' && Object.hasOwn(at.fields, name)
          ? at.fields[name]
          : undefined;
    if (next === undefined)
      throw new FilterError(`Selector "${selector.slice(0, depth + 1).join('.')}" is not valid`);
    at = next;
  }
  return at;
}

const SUPPORTED: Record<FieldType['kind'], readonly Operator[]> = {
  string: ['Equal', 'Not Equal', 'In', 'Not In', 'Matches', 'Not Matches'],
  int: ['Equal', 'Not Equal'],
  bool: ['Equal', 'Not Equal'],
  list: ['In', 'Not In', 'Is Empty', 'Is Not Empty'],
  map: ['In', 'Not In', 'Is Empty', 'Is Not Empty'],
  struct: [],
};

function supported(type: FieldType): readonly Operator[] {
  // A list of structs has no elements that could be written down.
  if (type.kind === 'list' && type.of.kind === 'struct') return ['Is Empty', 'Is Not Empty'];
  return SUPPORTED[type.kind];
}

function anyAt(
  value: unknown,
  type: FieldType,
  selector: readonly string[],
  depth: number,
  holds: Predicate,
): boolean {
  if (depth === selector.length) return holds(value);
  if (type.kind === 'list') {
    const elements = Array.isArray(value) ? value : [];
    return elements.some((element) => anyAt(element, type.of, selector, depth, holds));
  }
  const name = selector[depth] as string;
  const inner: unknown =
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  if (type.kind === 'map') {
    // Without the key there is nothing further in: the answer is the one for a value that is not there.
    return inner === undefined ? holds(undefined) : anyAt(inner, type.of, selector, depth + 1, holds);
  }
  const next = type.kind === 'struct' ? type.fields[name] : undefined;
  if (next === undefined) return false;
  return anyAt(inner ?? zeroOf(next), next, selector, depth + 1, holds);
}

/** What a field that the JSON leaves out stands for. */
function zeroOf({ kind }: FieldType): unknown {
  switch (kind) {
    case 'string':
      return '';
    case 'int':
      return 0;
    case 'bool':
      return false;
    case 'list':
      return [];
    default:
      return {};
  }
}

/** `name`: the selector, for what is wrong with the value. */
function predicate(type: FieldType, operator: Operator, text: string, name: string): Predicate {
  switch (operator) {
    case 'Equal': {
      const wanted = coerce(type, text, name);
      return (value) => value === wanted;
    }
    case 'Not Equal': {
      const unwanted = coerce(type, text, name);
      return (value) => value !== unwanted;
    }
    case 'In':
      return (value) => holdsValue(value, text);
    case 'Not In':
      return (value) => !holdsValue(value, text);
    case 'Is Empty':
      return isEmpty;
    case 'Is Not Empty':
      return (value) => !isEmpty(value);
    case 'Matches': {
      const fits = patternOf(text);
      return (value) => typeof value === 'string' && fits(value);
    }
    case 'Not Matches': {
      const fits = patternOf(text);
      return (value) => typeof value !== 'string' || !fits(value);
    }
  }
}

/** An element of a list, a key of a map, a part of a text. */
function holdsValue(value: unknown, text: string): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.includes(text);
  return typeof value === 'object' && value !== null && Object.hasOwn(value, text);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

const BOOLEANS: Record<string, boolean> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])),
};

/** Steps of a pattern, each at each character, in one turn of the event loop: half a second, in which nothing else is done. */
const MOST_WORK = 20_000_000;

function patternOf(text: string): (value: string) => boolean {
  try {
    const pattern = compileGoRegexp(text);
    let left = 0;
    let isNewTurn = true;
    return (value) => {
      if (isNewTurn) {
        left = MOST_WORK;
        isNewTurn = false;
        setImmediate(() => {
          isNewTurn = true;
        });
      }
      left -= pattern.size * value.length;
      if (left < 0)
        throw new HttpError(
          400,
          `The filter would take too long: make ${JSON.stringify(text.slice(0, 100))} shorter`,
        );
      return pattern.test(value);
    };
  } catch (error) {
    throw new FilterError(
      `Failed to compile regular expression ${JSON.stringify(text)}: ${messageOf(error)}`,
    );
  }
}

function coerce({ kind }: FieldType, text: string, name: string): string | number | boolean {
  const refuse = (call: string) =>
    new FilterError(
      `Failed to coerce value ${JSON.stringify(text)} for selector ${JSON.stringify(name)}: strconv.${call}: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  if (kind === 'int') {
    if (/^[+-]?(?:0|[1-9][\d_]*|0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)$/.test(text)) return readInt(text);
    throw refuse('ParseInt');
  }
  if (kind === 'bool') {
    const value = BOOLEANS[text];
    if (value !== undefined) return value;
    throw refuse('ParseBool');
  }
  return text;
}

function readInt(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  return sign * Number(/^0\d/.test(digits) ? `0o${digits}` : digits);
}
