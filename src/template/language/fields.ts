/** `.Name` of a value: a field, a method, or the entry of a map. */
import { ValueError } from './errors.ts';
import type { GoType, Method } from './types.ts';
import { TYPE, type Typed, typeOf, type Value, zeroOf } from './value.ts';

/** What becomes of a key that a map has not: nothing, the zero value of the map's elements, or an error. */
export type MissingKey = 'invalid' | 'zero' | 'error';

/** A reader of one field, for one place in a template: it remembers the type it met last. Throws `ValueError`. */
export function fieldReader(name: string, missingKey: MissingKey): (receiver: Value) => Value {
  let known: GoType | undefined;
  return (receiver) => {
    if (typeof receiver === 'object' && receiver !== null) {
      const type = (receiver as Partial<Typed>)[TYPE];
      if (type !== undefined && type === known) return (receiver as Record<string, Value>)[name];
      if (receiver instanceof Map) return entryOf(receiver, name, missingKey);
      if (type?.elem?.fields?.has(name) === true) {
        known = type;
        return (receiver as Record<string, Value>)[name];
      }
    }
    return unusual(receiver, name, missingKey);
  };
}

function entryOf(map: Map<Value, Value>, name: string, missingKey: MissingKey): Value {
  const found = map.get(name);
  if (found !== undefined || map.has(name)) return found ?? null;
  const type = typeOf(map);
  if (type?.key !== undefined && type.key.kind !== 'string' && type.key.kind !== 'interface')
    throw cannot(map, name);
  if (missingKey === 'error') throw new ValueError(`map has no entry for key ${JSON.stringify(name)}`);
  return missingKey === 'zero' && type?.elem !== undefined ? zeroOf(type.elem) : undefined;
}

function unusual(receiver: Value, name: string, missingKey: MissingKey): Value {
  if (receiver === undefined) {
    if (missingKey === 'error') throw new ValueError(`nil data; no entry for key ${JSON.stringify(name)}`);
    return undefined;
  }
  if (receiver === null) throw new ValueError(`nil pointer evaluating interface {}.${name}`);
  throw cannot(receiver, name);
}

function cannot(receiver: Value, name: string): ValueError {
  return new ValueError(`can't evaluate field ${name} in type ${typeOf(receiver)?.name ?? '<nil>'}`);
}

/** The method of that name that the value has. */
export function methodOf(receiver: Value, name: string): Method | undefined {
  if (typeof receiver !== 'object' || receiver === null) return undefined;
  return (receiver as Partial<Typed>)[TYPE]?.methods?.get(name);
}

/** Why something that is no method cannot be given arguments. */
export function argumentsRefused(receiver: Value, name: string): ValueError {
  if (receiver instanceof Map) return new ValueError(`${name} is not a method but has arguments`);
  if (typeOf(receiver)?.elem?.fields?.has(name) === true)
    return new ValueError(`${name} has arguments but cannot be invoked as function`);
  if (receiver === null || receiver === undefined)
    return new ValueError(`nil pointer evaluating interface {}.${name}`);
  return cannot(receiver, name);
}
