/** Which parts of a template write the same for the same element, whatever is around them. */
import type { FunctionTable } from './functions.ts';
import type { Command, List, Node, Operand, Pipe } from './nodes.ts';

/**
 * Does the body of a range depend on nothing but its element? Then what it wrote for an element that cannot change (a
 * struct) can be written again without carrying it out. `element` is the variable that holds it, if there is one.
 */
export function isOfItsElement(body: List, element: string | undefined, functions: FunctionTable): boolean {
  return new Reader(functions).list(body, new Set(element === undefined ? [] : [element]));
}

class Reader {
  readonly #functions: FunctionTable;

  constructor(functions: FunctionTable) {
    this.#functions = functions;
  }

  /** `known`: variables that come of the element alone. */
  list(list: List, outer: ReadonlySet<string>): boolean {
    const known = new Set(outer);
    return list.every((node) => this.#node(node, known));
  }

  #node(node: Node, known: Set<string>): boolean {
    switch (node.kind) {
      case 'text':
      case 'continue':
        return true;
      case 'action':
        return this.#pipe(node.pipe, known);
      case 'if':
      case 'with':
      case 'range': {
        const inside = new Set(known);
        return (
          this.#pipe(node.pipe, inside) &&
          this.list(node.body, inside) &&
          (node.otherwise === undefined || this.list(node.otherwise, inside))
        );
      }
      // What a template writes depends on what it is; what ends the range bears on the elements behind.
      case 'template':
      case 'break':
        return false;
    }
  }

  #pipe({ commands, variables, assigns }: Pipe, known: Set<string>): boolean {
    if (!commands.every((command) => this.#command(command, known))) return false;
    if (assigns) return variables.every((name) => known.has(name));
    for (const name of variables) known.add(name);
    return true;
  }

  #command({ operands }: Command, known: Set<string>): boolean {
    return operands.every((operand) => this.#operand(operand, known));
  }

  #operand(operand: Operand, known: Set<string>): boolean {
    switch (operand.kind) {
      case 'function':
        return this.#functions[operand.name]?.isPure === true;
      case 'variable':
        return known.has(operand.name);
      case 'chain':
        return this.#operand(operand.of, known);
      case 'pipe':
        return this.#pipe(operand, known);
      default:
        return true;
    }
  }
}
