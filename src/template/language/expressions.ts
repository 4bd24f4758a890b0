/**
 * Pipelines, commands and operands as closures. What can be known beforehand is: which function, how many arguments, the
 * place of a variable. A mistake that Go finds only when it gets there is a closure that throws then, so that a branch that
 * is never taken may be wrong.
 */
import { convert } from './convert.ts';
import { executeError, LimitError, TemplateError, ValueError } from './errors.ts';
import { argumentsRefused, fieldReader, type MissingKey, methodOf } from './fields.ts';
import type { FunctionTable } from './functions.ts';
import type { Command, Constant, Node, Operand, Pipe, Tree } from './nodes.ts';
import { show } from './nodes.ts';
import type { Evaluate, Frame, Scope } from './run.ts';
import { ANY, COMPLEX128, canBeNil, type GoType, isInt, isUint, type Method } from './types.ts';
import { GoFunction, Scalar, truth, type Value, zeroOf } from './value.ts';

/** What the compiler knows of the template around an expression. */
export interface Surroundings {
  readonly tree: Tree;
  readonly functions: FunctionTable;
  readonly missingKey: MissingKey;
  readonly scope: Scope;
}

/**
 * A command; `final` is the value of the one before it in the pipeline, `NONE` for the first; `self` that on which a method
 * is called.
 */
type Step = (frame: Frame, dot: Value, final: Value, self?: Value) => Value;

/** There is no value: not even one that is not there. */
const NONE: unique symbol = Symbol('none');

export function failure(around: Surroundings, node: Node | Operand | Command, error: unknown): Error {
  if (error instanceof TemplateError || error instanceof LimitError) return error;
  if (error instanceof RangeError && /call stack/i.test(error.message))
    return new LimitError('nested too deeply');
  const { source, name } = around.tree;
  return executeError(source, name, node, error instanceof Error ? error.message : String(error), error);
}

/** A closure that fails when it is reached. */
function failing(around: Surroundings, node: Node | Operand | Command, message: string): () => never {
  return () => {
    throw executeError(around.tree.source, around.tree.name, node, message);
  };
}

/** The node that Go speaks of when the value of a pipeline is refused: the one it looked at last. */
export function lastOf(pipe: Pipe): Operand {
  const { operands } = pipe.commands.at(-1) as Command;
  const first = operands[0] as Operand;
  return lastIn(first.kind === 'function' ? (operands.at(-1) as Operand) : first);
}

const lastIn = (operand: Operand): Operand => (operand.kind === 'pipe' ? lastOf(operand) : operand);

/** A whole pipeline. Its variables are declared in the scope and set when it is evaluated. */
export function compilePipe(around: Surroundings, pipe: Pipe): Evaluate {
  const steps = pipe.commands.map((command, i) => compileCommand(around, command, i > 0));
  const value = chained(steps);
  if (pipe.variables.length === 0) return value;
  const places = pipe.variables.map((name) =>
    pipe.assigns ? around.scope.find(name) : around.scope.declare(name),
  );
  if (places.includes(-1))
    return failing(around, pipe, `undefined variable: ${pipe.variables[places.indexOf(-1)]}`);
  return (frame, dot) => {
    const result = value(frame, dot);
    for (const place of places) frame.variables[place] = result;
    return result;
  };
}

/** Nil that comes out of a command is no value at all. */
const something = (value: Value): Value => (value === null ? undefined : value);

function chained(steps: readonly Step[]): Evaluate {
  const [first, second] = steps as [Step, Step | undefined];
  if (second === undefined) return (frame, dot) => something(first(frame, dot, NONE));
  if (steps.length === 2)
    return (frame, dot) => something(second(frame, dot, something(first(frame, dot, NONE))));
  return (frame, dot) => {
    let value: Value = NONE;
    for (const step of steps) value = something(step(frame, dot, value));
    return value;
  };
}

function compileCommand(around: Surroundings, command: Command, hasFinal: boolean): Step {
  const [first, ...rest] = command.operands as [Operand, ...Operand[]];
  switch (first.kind) {
    case 'function':
      return compileCall(around, first.name, first, command, rest, hasFinal);
    case 'field':
    case 'chain':
      return compileFields(around, first, rest, hasFinal);
    case 'variable':
      if (first.names.length > 0) return compileFields(around, first, rest, hasFinal);
      break;
    case 'nil':
      return failing(around, first, 'nil is not a command');
  }
  if (rest.length > 0 || hasFinal)
    return failing(around, first, `can't give argument to non-function ${show(first)}`);
  return compileOperand(around, first);
}

/** An operand without arguments. */
function compileOperand(around: Surroundings, operand: Operand): Evaluate {
  switch (operand.kind) {
    case 'bool':
    case 'string': {
      const { value } = operand;
      return () => value;
    }
    case 'number': {
      const value = idealOf(operand.constant);
      return value === undefined
        ? failing(around, operand, `${operand.constant.text} overflows int`)
        : () => value;
    }
    case 'nil':
      return () => null;
    case 'dot':
      return (_frame, dot) => dot;
    case 'pipe':
      return compilePipe(around, operand);
    case 'variable':
      if (operand.names.length === 0) return variableReader(around, operand);
      return withoutFinal(compileFields(around, operand, [], false));
    case 'field':
    case 'chain':
      return withoutFinal(compileFields(around, operand, [], false));
    case 'function':
      return withoutFinal(compileCall(around, operand.name, operand, operand, [], false));
  }
}

const withoutFinal =
  (step: Step): Evaluate =>
  (frame, dot) =>
    step(frame, dot, NONE);

function variableReader(around: Surroundings, operand: Operand & { kind: 'variable' }): Evaluate {
  const place = around.scope.find(operand.name);
  if (place === -1) return failing(around, operand, `undefined variable: ${operand.name}`);
  return (frame) => frame.variables[place];
}

/** The value of a number of which nothing but its literal is known. */
function idealOf({ text, int, float, complex }: Constant): Value {
  if (complex !== undefined) return new Scalar(COMPLEX128, complex);
  const isCharacter = text.startsWith("'");
  const isHexadecimal = /^0[xX]/.test(text) && !/[pP]/.test(text);
  if (float !== undefined && !isCharacter && !isHexadecimal && /[.eEpP]/.test(text)) return float;
  return int;
}

/** `.A.B.C`, `$x.A`, `(…).A`: the last name may be a method and take the arguments. */
function compileFields(
  around: Surroundings,
  operand: Operand & { kind: 'field' | 'variable' | 'chain' },
  args: readonly Operand[],
  hasFinal: boolean,
): Step {
  let receiver: Evaluate;
  if (operand.kind === 'field') receiver = (_frame, dot) => dot;
  else if (operand.kind === 'variable') receiver = variableReader(around, operand);
  else if (operand.of.kind === 'nil')
    return failing(around, operand, `indirection through explicit nil in ${show(operand)}`);
  else receiver = compileOperand(around, operand.of);
  const names = operand.names.slice(0, -1);
  for (const name of names) receiver = compileField(around, operand, name, receiver);
  const last = operand.names.at(-1) as string;
  if (args.length === 0 && !hasFinal) return compileField(around, operand, last, receiver);
  return compileMethod(around, operand, last, receiver, args);
}

function compileField(around: Surroundings, operand: Operand, name: string, receiver: Evaluate): Evaluate {
  const read = fieldReader(name, around.missingKey);
  const at = operand.kind === 'chain' ? lastIn(operand.of) : operand;
  return (frame, dot) => {
    const value = receiver(frame, dot);
    const method = methodOf(value, name);
    if (method !== undefined)
      return callStep(around, name, at, operand, method, [], false)(frame, dot, NONE, value);
    try {
      return read(value);
    } catch (error) {
      throw failure(around, at, error);
    }
  };
}

/** A method with arguments: which one is known only when its receiver is. */
function compileMethod(
  around: Surroundings,
  operand: Operand,
  name: string,
  receiver: Evaluate,
  args: readonly Operand[],
): Step {
  const compiled = new Map<Method, Step>();
  const at = operand.kind === 'chain' ? lastIn(operand.of) : operand;
  return (frame, dot, final) => {
    const self = receiver(frame, dot);
    const method = methodOf(self, name);
    if (method === undefined) throw failure(around, at, argumentsRefused(self, name));
    let step = compiled.get(method);
    if (step === undefined) {
      step = callStep(around, name, at, operand, method, args, final !== NONE);
      compiled.set(method, step);
    }
    return step(frame, dot, final, self);
  };
}

function compileCall(
  around: Surroundings,
  name: string,
  at: Operand,
  command: Operand | Command,
  args: readonly Operand[],
  hasFinal: boolean,
): Step {
  const target = around.functions[name] as GoFunction;
  if ((name === 'and' || name === 'or') && args.length + Number(hasFinal) > 0)
    return compileLogic(around, name, args, hasFinal);
  return callStep(around, name, at, command, target, args, hasFinal);
}

/** `and` and `or` evaluate no more than they need. */
function compileLogic(
  around: Surroundings,
  name: 'and' | 'or',
  args: readonly Operand[],
  hasFinal: boolean,
): Step {
  const stopAt = name === 'or';
  const evaluators = args.map((arg) => compileArgument(around, arg, ANY));
  return (frame, dot, final) => {
    let value: Value;
    for (const evaluate of evaluators) {
      value = evaluate(frame, dot);
      if (truth(value) === stopAt) return value;
    }
    return hasFinal ? final : value;
  };
}

function callStep(
  around: Surroundings,
  name: string,
  at: Operand,
  command: Operand | Command,
  target: GoFunction | Method,
  args: readonly Operand[],
  hasFinal: boolean,
): Step {
  const { params, variadic } = target;
  const given = args.length + Number(hasFinal);
  const fixed = variadic ? params.length - 1 : params.length;
  if (variadic ? given < fixed : given !== fixed) {
    const want = variadic ? `at least ${fixed}` : String(fixed);
    return failing(
      around,
      at,
      `wrong number of args for ${name}: want ${want} got ${variadic ? args.length : given}`,
    );
  }
  const typeAt = (i: number): GoType => params[Math.min(i, params.length - 1)] as GoType;
  const evaluators = args.map((arg, i) => compileArgument(around, arg, typeAt(i)));
  const finalType = hasFinal ? typeAt(args.length) : ANY;
  const finalAt = args.at(-1) ?? at;
  const refuse = (error: unknown): Error => failure(around, finalAt, error);
  const call = target instanceof GoFunction ? target.call : undefined;
  const fail = (error: unknown): Error => {
    if (error instanceof LimitError) return error;
    if (error instanceof RangeError && /call stack/i.test(error.message))
      return new LimitError('nested too deeply');
    const message = error instanceof Error ? error.message : String(error);
    return executeError(
      around.tree.source,
      around.tree.name,
      command,
      `error calling ${name}: ${message}`,
      error,
    );
  };
  const count = evaluators.length;
  const [first, second] = evaluators;
  if (call !== undefined && count === 1 && !hasFinal && first !== undefined)
    return (frame, dot) => {
      const one = first(frame, dot);
      try {
        return call(one);
      } catch (error) {
        throw fail(error);
      }
    };
  if (call !== undefined && count === 2 && !hasFinal && first !== undefined && second !== undefined)
    return (frame, dot) => {
      const one = first(frame, dot);
      const two = second(frame, dot);
      try {
        return call(one, two);
      } catch (error) {
        throw fail(error);
      }
    };
  return (frame, dot, final, self) => {
    const values: Value[] = [];
    for (const evaluate of evaluators) values.push(evaluate(frame, dot));
    if (hasFinal) {
      try {
        values.push(convert(final, finalType));
      } catch (error) {
        throw refuse(error);
      }
    }
    try {
      return target instanceof GoFunction ? target.call(...values) : target.call(self as object, values);
    } catch (error) {
      throw fail(error);
    }
  };
}

/** An argument, as a parameter of the type takes it. Literals are read by the type. */
function compileArgument(around: Surroundings, operand: Operand, type: GoType): Evaluate {
  switch (operand.kind) {
    case 'nil': {
      if (!canBeNil(type)) return failing(around, operand, `cannot assign nil to ${type.name}`);
      const nil = type.kind === 'interface' ? null : zeroOf(type);
      return () => nil;
    }
    case 'bool':
    case 'string':
    case 'number':
      return compileLiteral(around, operand, type);
    default: {
      const value = compileOperand(around, operand);
      const at = operand.kind === 'pipe' ? lastOf(operand) : operand;
      if (type.kind === 'interface') return (frame, dot) => value(frame, dot) ?? null;
      if (type.kind === 'string')
        return (frame, dot) => {
          const text = value(frame, dot);
          if (typeof text === 'string') return text;
          throw failure(around, at, refusal(text, type));
        };
      return (frame, dot) => {
        try {
          return convert(value(frame, dot), type);
        } catch (error) {
          throw failure(around, at, error);
        }
      };
    }
  }
}

function refusal(value: Value, type: GoType): unknown {
  try {
    convert(value, type);
  } catch (error) {
    return error;
  }
  return new ValueError(`expected ${type.name}`);
}

function compileLiteral(
  around: Surroundings,
  operand: Operand & { kind: 'bool' | 'string' | 'number' },
  type: GoType,
): Evaluate {
  const { kind } = type;
  const expected = (what: string): Evaluate =>
    failing(around, operand, `expected ${what}; found ${show(operand)}`);
  if (kind === 'interface') return compileOperand(around, operand);
  if (kind === 'string')
    return operand.kind === 'string' ? compileOperand(around, operand) : expected('string');
  if (kind === 'bool') return operand.kind === 'bool' ? compileOperand(around, operand) : expected('bool');
  const constant = operand.kind === 'number' ? operand.constant : undefined;
  const constantly = (value: Value, what: string): Evaluate =>
    value === undefined ? expected(what) : () => value;
  if (kind === 'float64') return constantly(constant?.float, 'float');
  if (isInt(kind)) return constantly(constant?.int, 'integer');
  if (isUint(kind)) return constantly(constant?.uint, 'unsigned integer');
  return failing(around, operand, `can't handle ${show(operand)} for arg of type ${type.name}`);
}
