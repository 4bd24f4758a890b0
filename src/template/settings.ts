/** What there is to say about one template, whichever file said it. */
import type { Delimiters } from './language/index.ts';

/** Quiescence (ms): a change is rendered once nothing more came for `min`, at the latest after `max`. */
export interface Wait {
  readonly min: number;
  readonly max: number;
}

/** What of the environment a command sees. Patterns may hold "*". */
export interface EnvironmentFilter {
  /** Nothing but `custom`. */
  readonly pristine: boolean;
  /** "NAME=value". */
  readonly custom: readonly string[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export const WHOLE_ENVIRONMENT: EnvironmentFilter = { pristine: false, custom: [], allow: [], deny: [] };

/** One text for a shell (when it has spaces in it), or a program with its arguments. */
export type CommandWords = readonly string[];

export interface TemplateSettings {
  /** A file; undefined when `contents` says it. */
  readonly source: string | undefined;
  readonly contents: string | undefined;
  /** The file to write; "" only where nothing is written. */
  readonly destination: string;
  readonly createDestDirs: boolean;
  /** Mode bits; undefined: those of the file there is, 0644 for a new one. */
  readonly perms: number | undefined;
  /** Names or numbers; "" leaves them alone. */
  readonly user: string;
  readonly group: string;
  /** Keep the file before as `destination.bak`. */
  readonly backup: boolean;
  /** Run when the file has changed. */
  readonly command: CommandWords;
  /** Milliseconds; 0: no limit, and nothing waits for it to end. */
  readonly commandTimeout: number;
  readonly commandEnvironment: EnvironmentFilter;
  /** A command that has to succeed on the new file before it replaces the old one; "{}" is its name. "" checks nothing. */
  readonly check: string;
  /** Milliseconds. */
  readonly checkTimeout: number;
  readonly errorOnMissingKey: boolean;
  /** A failure of this template ends the program. */
  readonly errorFatal: boolean;
  readonly delimiters: Delimiters;
  /** Undefined: that of the whole. */
  readonly wait: Wait | undefined;
  /** Lists of instances with fewer do not replace what was rendered. */
  readonly minEntries: number;
  readonly functionDenylist: readonly string[];
  /** Folder out of which `file` may not read; "" for none. */
  readonly sandboxPath: string;
}

export const DEFAULT_TEMPLATE: Omit<TemplateSettings, 'source' | 'contents' | 'destination'> = {
  createDestDirs: true,
  perms: undefined,
  user: '',
  group: '',
  backup: false,
  command: [],
  // Consul-template's: a command that hangs must not keep later changes waiting.
  commandTimeout: 30_000,
  commandEnvironment: WHOLE_ENVIRONMENT,
  check: '',
  checkTimeout: 30_000,
  errorOnMissingKey: false,
  errorFatal: false,
  delimiters: { left: '{{', right: '}}' },
  wait: undefined,
  minEntries: 0,
  functionDenylist: [],
  sandboxPath: '',
};

/** How logs and errors call a template. */
export function nameOf({ source, destination }: TemplateSettings): string {
  return source ?? `(contents of ${destination === '' ? 'a template' : destination})`;
}
