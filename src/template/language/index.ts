/** Go's text/template as a library. See README.md. */
export { byteLength, byteSlice, fromBytes, toBytes } from './bytes.ts';
export { TemplateError, ValueError } from './errors.ts';
export type { MissingKey } from './fields.ts';
export { formatFloat } from './floats.ts';
export { sprintf } from './format.ts';
export { type FunctionTable, fn, pureFn, variadic } from './functions.ts';
export { DELIMITERS, type Delimiters } from './lexer.ts';
export { printed, sortedEntries, sprint } from './print.ts';
export { quote } from './quote.ts';
export { LIMITS, type Limits } from './run.ts';
export { Template, type TemplateOptions } from './template.ts';
export * from './types.ts';
export {
  Channel,
  floatOf,
  fromJson,
  GoFunction,
  integerOf,
  isStruct,
  Later,
  Scalar,
  type StructOf,
  structType,
  TYPE,
  type Typed,
  truth,
  typed,
  typeName,
  typeOf,
  type Value,
  zeroOf,
} from './value.ts';
