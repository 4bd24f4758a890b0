/** Go's types as far as templates can see them: by name in messages and `%T`, by kind in what is done with a value. */

export type IntKind = 'int' | 'int8' | 'int16' | 'int32' | 'int64';
export type UintKind = 'uint' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'uintptr';
export type Kind =
  | 'bool'
  | IntKind
  | UintKind
  | 'float32'
  | 'float64'
  | 'complex128'
  | 'string'
  | 'slice'
  | 'map'
  | 'struct'
  | 'pointer'
  | 'func'
  | 'chan'
  | 'interface';

export interface GoType {
  /** As Go prints it: "map[string]interface {}", "*dependency.KeyPair". */
  readonly name: string;
  readonly kind: Kind;
  /** Of a slice, a map, a channel or a pointer. */
  readonly elem?: GoType;
  /** Of a map. */
  readonly key?: GoType;
  /** Of a struct, in the order in which they are declared. */
  readonly fields?: ReadonlyMap<string, GoType>;
  readonly methods?: ReadonlyMap<string, Method>;
  /** Of a struct that stands inside another one as itself, not as a pointer. */
  readonly isValue?: true;
}

/** A method; `self` is the value it is called on. */
export interface Method {
  readonly params: readonly GoType[];
  readonly variadic: boolean;
  readonly result: GoType;
  call(self: object, args: readonly unknown[]): unknown;
}

const basic = (kind: Kind, name: string = kind): GoType => ({ name, kind });

export const BOOL = basic('bool');
export const STRING = basic('string');
export const INT = basic('int');
export const INT64 = basic('int64');
export const UINT8 = basic('uint8');
export const UINT64 = basic('uint64');
export const FLOAT64 = basic('float64');
export const COMPLEX128 = basic('complex128');
/** Go's `interface{}`: anything. */
export const ANY = basic('interface', 'interface {}');

const slices = new Map<GoType, GoType>();
export function sliceOf(elem: GoType): GoType {
  let type = slices.get(elem);
  if (type === undefined) {
    type = { name: `[]${elem.name}`, kind: 'slice', elem };
    slices.set(elem, type);
  }
  return type;
}

const maps = new Map<GoType, Map<GoType, GoType>>();
export function mapOf(key: GoType, elem: GoType): GoType {
  const byElem = maps.get(key) ?? new Map<GoType, GoType>();
  maps.set(key, byElem);
  let type = byElem.get(elem);
  if (type === undefined) {
    type = { name: `map[${key.name}]${elem.name}`, kind: 'map', key, elem };
    byElem.set(elem, type);
  }
  return type;
}

export function pointerTo(elem: GoType): GoType {
  return { name: `*${elem.name}`, kind: 'pointer', elem };
}

export function chanOf(elem: GoType): GoType {
  return { name: `<-chan ${elem.name}`, kind: 'chan', elem };
}

export function funcOf(params: readonly GoType[], variadic: boolean, result: GoType): GoType {
  const names = params.map(({ name }, i) => (variadic && i === params.length - 1 ? `...${name}` : name));
  return { name: `func(${names.join(', ')}) ${result.name}`, kind: 'func' };
}

/** A type of its own name with the structure of `of`. */
export function named(name: string, of: GoType): GoType {
  return { ...of, name };
}

export const STRINGS = sliceOf(STRING);
export const LIST = sliceOf(ANY);
export const BYTES = sliceOf(UINT8);
export const MAP = mapOf(STRING, ANY);
export const STRING_MAP = mapOf(STRING, STRING);

export function isInt(kind: Kind): kind is IntKind {
  return kind === 'int' || kind === 'int64' || kind === 'int32' || kind === 'int16' || kind === 'int8';
}

export function isUint(kind: Kind): kind is UintKind {
  return (
    kind === 'uint64' ||
    kind === 'uint8' ||
    kind === 'uint' ||
    kind === 'uint32' ||
    kind === 'uint16' ||
    kind === 'uintptr'
  );
}

/** Can a value of the kind be nil? */
export function canBeNil({ kind }: GoType): boolean {
  return (
    kind === 'interface' ||
    kind === 'map' ||
    kind === 'slice' ||
    kind === 'pointer' ||
    kind === 'func' ||
    kind === 'chan'
  );
}
