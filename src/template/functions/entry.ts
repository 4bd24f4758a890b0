/** A function of templates with what its page of the reference says. */
import type { Dependency } from '../dependencies/dependency.ts';
import { type GoFunction, pureFn, type Value } from '../language/index.ts';

/** What functions may ask of the template that calls them, and leave with it. */
export interface Context {
  /** The value of a dependency; undefined while it is not known. Either way the template is known to need it. */
  recall(dependency: Dependency): Value | undefined;
  /** Says that a dependency, though known, is not what the template can be rendered with. */
  lack(dependency: Dependency): void;
  environment(name: string): string | undefined;
  /** Milliseconds since the epoch. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Folder out of which `file` may not read; "" for none. */
  readonly sandbox: string;
  /** Another template of the same text. */
  execute(name: string, data: Value): string;
  /** What a program prints; undefined while it has not been asked. The template is rendered again when it has. */
  ask(program: string, words: readonly string[]): string | undefined;
  /** Keeps a file to be written once the rendering is whole. */
  write(file: FileToWrite): void;
  /** Values that a rendering keeps for itself. */
  readonly scratch: Map<string, Value>;
}

export interface FileToWrite {
  readonly path: string;
  readonly content: string;
  readonly user: string;
  readonly group: string;
  readonly mode: number;
  readonly append: boolean;
}

export interface Entry {
  readonly summary: string;
  readonly example: string;
  make(context: Context): GoFunction;
}

/** A named set of functions, one section of the reference. */
export type Group = Readonly<Record<string, Entry>>;

/** A function that needs nothing but its arguments, and answers the same for the same ones. */
export const pure = (fn: GoFunction, summary: string, example: string): Entry =>
  own(pureFn(fn), summary, example);

/** A function that changes what it is given, or answers another thing each time. */
export const own = (fn: GoFunction, summary: string, example: string): Entry => ({
  summary,
  example,
  make: () => fn,
});

export const bound = (make: Entry['make'], summary: string, example: string): Entry => ({
  summary,
  example,
  make,
});
