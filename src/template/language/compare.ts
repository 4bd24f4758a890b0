/** eq, ne, lt, le, gt, ge by Go's rules: of one kind, whole numbers of any width and sign together. */
import { compareUtf8 } from '../../lib/order.ts';
import { ValueError } from './errors.ts';
import { printed } from './print.ts';
import { isUint } from './types.ts';
import { Scalar, TYPE, typeName, typeOf, type Value } from './value.ts';

type BasicKind = 'bool' | 'int' | 'uint' | 'float' | 'complex' | 'string' | undefined;

function kindOf(value: Value): BasicKind {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    default:
      if (!(value instanceof Scalar)) return undefined;
      if (typeof value.value === 'object') return 'complex';
      if (typeof value.value === 'number') return 'float';
      return isUint(value[TYPE].kind) ? 'uint' : 'int';
  }
}

/** The number, text or truth that is compared. */
const bare = (value: Value): Value => (value instanceof Scalar ? value.value : value);
const isNil = (value: Value): boolean => value === null || value === undefined;
const isWhole = (kind: BasicKind): boolean => kind === 'int' || kind === 'uint';

function same(a: Value, b: Value): boolean {
  const [x, y] = [kindOf(a), kindOf(b)];
  if (x !== y) {
    if (isWhole(x) && isWhole(y)) return bare(a) === bare(b);
    if (isNil(a) || isNil(b)) return false;
    throw new ValueError('incompatible types for comparison');
  }
  if (x === 'complex') {
    const [p, q] = [bare(a), bare(b)] as { real: number; imaginary: number }[];
    return p?.real === q?.real && p?.imaginary === q?.imaginary;
  }
  if (x !== undefined) return bare(a) === bare(b);
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b);
  const kind = typeOf(b)?.kind;
  if (kind === 'slice' || kind === 'map' || kind === 'func')
    throw new ValueError(`non-comparable type ${printed(b)}: ${typeName(b)}`);
  return a === b;
}

/** Is the first the same as any of the others? */
export function equal(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new ValueError('missing argument for comparison');
  return others.some((other) => same(first, other));
}

export function less(a: Value, b: Value): boolean {
  const [x, y] = [kindOf(a), kindOf(b)];
  if (x === undefined || y === undefined) throw new ValueError('invalid type for comparison');
  if (x !== y && !(isWhole(x) && isWhole(y))) throw new ValueError('incompatible types for comparison');
  if (x === 'bool' || x === 'complex') throw new ValueError('invalid type for comparison');
  if (x === 'string') return compareUtf8(a as string, b as string) < 0;
  return (bare(a) as bigint) < (bare(b) as bigint);
}

export const lessOrEqual = (a: Value, b: Value): boolean => less(a, b) || same(a, b);
