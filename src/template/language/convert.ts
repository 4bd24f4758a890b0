/** Which values a function's parameter takes. */
import { ValueError } from './errors.ts';
import { canBeNil, type GoType, isInt, isUint } from './types.ts';
import { integerOf, typeName, typeOf, type Value, zeroOf } from './value.ts';

/**
 * The value as a parameter of the type takes it. Throws `ValueError` in Go's words. More is taken than in Go where it is
 * clear what is meant: whole numbers of another width, lists of anything whose elements all fit.
 */
export function convert(value: Value, type: GoType): Value {
  switch (type.kind) {
    case 'interface':
      return value ?? null;
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'float64':
      if (typeof value === 'number') return value;
      break;
    default: {
      if (isInt(type.kind) || isUint(type.kind)) {
        const whole = integerOf(value);
        if (whole !== undefined) return whole;
      } else if (value !== undefined && value !== null && fits(value, type)) return value;
    }
  }
  if (value === undefined) {
    if (canBeNil(type)) return zeroOf(type);
    throw new ValueError(`invalid value; expected ${type.name}`);
  }
  if (value === null && canBeNil(type)) return zeroOf(type);
  throw new ValueError(
    `wrong type for value; expected ${type.name}; got ${value === null ? 'interface {}' : typeName(value)}`,
  );
}

function fits(value: Value, type: GoType): boolean {
  const own = typeOf(value);
  if (own === undefined) return type.kind === 'interface';
  if (own === type || own.name === type.name || type.kind === 'interface') return true;
  if (own.kind !== type.kind) return false;
  if (type.kind === 'slice' && type.elem !== undefined && Array.isArray(value)) {
    const { elem } = type;
    return own.elem?.name === elem.name || value.every((one) => fits(one, elem));
  }
  if (type.kind === 'map' && type.elem !== undefined && value instanceof Map) {
    const { elem } = type;
    return [...value.values()].every((one) => fits(one, elem));
  }
  return false;
}
