/** How functions are declared, for templates to call. */
import { funcOf, type GoType } from './types.ts';
import { GoFunction, TYPE, type Value } from './value.ts';

export type FunctionTable = Readonly<Record<string, GoFunction>>;

/** A function of fixed parameters. What it throws becomes the template's error. */
export function fn(params: readonly GoType[], result: GoType, call: (...args: never[]) => Value): GoFunction {
  return new GoFunction(params, false, funcOf(params, false, result), call as (...args: Value[]) => Value);
}

/** A function whose last parameter may be given any number of times. */
export function variadic(
  params: readonly GoType[],
  result: GoType,
  call: (...args: never[]) => Value,
): GoFunction {
  return new GoFunction(params, true, funcOf(params, true, result), call as (...args: Value[]) => Value);
}

/** The same function, said to answer the same for the same arguments and to change nothing. */
export function pureFn({ params, variadic: open, call, [TYPE]: type }: GoFunction): GoFunction {
  return new GoFunction(params, open, type, call, true);
}
