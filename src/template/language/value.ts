/**
 * Go's values as JavaScript's. What templates meet all the time is what JavaScript has:
 *
 *     string   string   (bytes that are no UTF-8 as lone surrogates, see `bytes.ts`)
 *     int      bigint   (exact, as wide as Go's)
 *     float64  number
 *     bool     boolean
 *     slice    Array, Uint8Array for []byte
 *     map      Map
 *     nil      null; `undefined` is a value that is not there ("<no value>")
 *
 * All other numbers are a `Scalar`, which knows its type. Slices and maps are `[]interface {}` and
 * `map[string]interface {}` unless `typed` says otherwise; structs come from `structType`.
 */
import {
  BOOL,
  BYTES,
  FLOAT64,
  type GoType,
  INT,
  isInt,
  isUint,
  LIST,
  MAP,
  type Method,
  pointerTo,
  STRING,
} from './types.ts';

export type Value = unknown;

/** Where typed values keep their type. */
export const TYPE: unique symbol = Symbol('go type');

export interface Complex {
  readonly real: number;
  readonly imaginary: number;
}

/** A number of any type but int and float64. */
export class Scalar {
  readonly [TYPE]: GoType;
  readonly value: bigint | number | Complex;

  constructor(type: GoType, value: bigint | number | Complex) {
    this[TYPE] = type;
    this.value = value;
  }
}

/** What can be called: a function of the template's, or a value that is one. */
export class GoFunction {
  readonly params: readonly GoType[];
  readonly variadic: boolean;
  readonly [TYPE]: GoType;
  readonly call: (...args: Value[]) => Value;
  /** Answers the same for the same arguments, and changes nothing. */
  readonly isPure: boolean;

  constructor(
    params: readonly GoType[],
    variadic: boolean,
    type: GoType,
    call: (...args: Value[]) => Value,
    isPure = false,
  ) {
    this.params = params;
    this.variadic = variadic;
    this[TYPE] = type;
    this.call = call;
    this.isPure = isPure;
  }
}

/** A channel: yields its values once. */
export class Channel {
  readonly [TYPE]: GoType;
  readonly #values: Iterator<Value>;

  constructor(type: GoType, values: Iterator<Value>) {
    this[TYPE] = type;
    this.#values = values;
  }

  next(): IteratorResult<Value> {
    return this.#values.next();
  }
}

/** Marks a slice or a map with its type. */
export function typed<T extends Value[] | Map<Value, Value>>(type: GoType, value: T): T {
  // Assigned, not defined: that is many times as fast, and tags of 10,000 instances are marked so.
  (value as { [TYPE]?: GoType })[TYPE] = type;
  return value;
}

export interface Typed {
  readonly [TYPE]: GoType;
}

export type StructOf<F extends Record<string, GoType>> = { [Name in keyof F]: Value } & Typed;

/** A value that is made when somebody asks for it. */
export class Later {
  readonly make: () => Value;

  constructor(make: () => Value) {
    this.make = make;
  }
}

/**
 * A struct type: `new` makes a value of it from an object with its fields. Values are pointers (`*name`) as far as Go can
 * tell, since that is what functions of templates hand out. A `lazy` field may be given as a `Later`.
 */
export function structType<F extends Record<string, GoType>>(
  name: string,
  fields: F,
  methods: Record<string, Method> = {},
  lazy: readonly (keyof F & string)[] = [],
  isValue = false,
): { new (values: { [Name in keyof F]: Value }): StructOf<F>; readonly type: GoType } {
  const names = Object.keys(fields);
  const struct: GoType = { name, kind: 'struct', fields: new Map(Object.entries(fields)) };
  const pointer: GoType = { ...pointerTo(struct), methods: new Map(Object.entries(methods)) };
  const type: GoType = isValue ? { ...pointer, name, isValue } : pointer;
  const places = names.map((field) => ((lazy as readonly string[]).includes(field) ? `${field}?` : field));
  class Struct {
    static readonly type = type;
    constructor(values: Record<string, Value>) {
      const self = this as unknown as Record<string, Value>;
      for (let i = 0; i < names.length; i++) self[places[i] as string] = values[names[i] as string];
    }
  }
  Object.defineProperty(Struct.prototype, TYPE, { value: type });
  for (const field of lazy) {
    const place = `${field}?`;
    Object.defineProperty(Struct.prototype, field, {
      get(this: Record<string, Value>) {
        const value = this[place];
        if (!(value instanceof Later)) return value;
        this[place] = value.make();
        return this[place];
      },
    });
  }
  return Struct as unknown as ReturnType<typeof structType<F>>;
}

/** Undefined for a value that is not there and for nil. */
export function typeOf(value: Value): GoType | undefined {
  switch (typeof value) {
    case 'string':
      return STRING;
    case 'bigint':
      return INT;
    case 'number':
      return FLOAT64;
    case 'boolean':
      return BOOL;
    case 'undefined':
      return undefined;
    default:
      if (value === null) return undefined;
      return (value as Partial<Typed>)[TYPE] ?? untypedOf(value as object);
  }
}

function untypedOf(value: object): GoType {
  if (Array.isArray(value)) return LIST;
  if (value instanceof Map) return MAP;
  if (value instanceof Uint8Array) return BYTES;
  return { name: value.constructor?.name ?? 'object', kind: 'struct', fields: new Map() };
}

/** The type's name, "<nil>" for nil: what `%T` prints. */
export function typeName(value: Value): string {
  return typeOf(value)?.name ?? '<nil>';
}

/** The value of a type that has no other: what a map answers for a key that it has not. */
export function zeroOf(type: GoType): Value {
  switch (type.kind) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int':
      return 0n;
    case 'float64':
      return 0;
    case 'slice':
      return typed(type, []);
    case 'map':
      return typed(type, new Map());
    case 'float32':
      return new Scalar(type, 0);
    case 'complex128':
      return new Scalar(type, { real: 0, imaginary: 0 });
    default:
      return isInt(type.kind) || isUint(type.kind) ? new Scalar(type, 0n) : null;
  }
}

/** A whole number of any type, or undefined. */
export function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return value instanceof Scalar && typeof value.value === 'bigint' ? value.value : undefined;
}

/** A fraction of any type, or undefined. */
export function floatOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  return value instanceof Scalar && typeof value.value === 'number' ? value.value : undefined;
}

export function isStruct(value: Value): value is Record<string, Value> & Typed {
  return typeof value === 'object' && value !== null && typeOf(value)?.elem?.kind === 'struct';
}

/** Go's truth: not the zero value of its type. */
export function truth(value: Value): boolean {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      return value !== '';
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
    case 'undefined':
      return false;
    default:
      if (value === null) return false;
      if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
      if (value instanceof Map) return value.size > 0;
      if (!(value instanceof Scalar)) return true;
      return typeof value.value === 'object'
        ? value.value.real !== 0 || value.value.imaginary !== 0
        : value.value !== 0n && value.value !== 0;
  }
}

/** A plain JavaScript value as Go's `encoding/json` would read it: numbers are float64, objects maps. */
export function fromJson(value: Value): Value {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === 'object' && value !== null && !(value instanceof Map)) {
    return new Map(Object.entries(value).map(([key, one]) => [key, fromJson(one)]));
  }
  return value;
}
