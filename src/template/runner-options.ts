/** What a runner of templates is told, and why it ends by itself. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { ChildSettings } from './child.ts';
import type { TemplateSettings, Wait } from './settings.ts';
import type { Source } from './sources/source.ts';

export interface RunnerOptions {
  readonly templates: readonly TemplateSettings[];
  readonly source: Source;
  /** For templates without one of their own; undefined: changes are rendered at once. */
  readonly wait: Wait | undefined;
  /** Render everything once, then end. */
  readonly once: boolean;
  /** Where renderings go instead of their files. */
  readonly print: ((text: string) => void) | undefined;
  readonly child: ChildSettings | undefined;
  /** Variables besides the environment, for commands, the child and `env` of templates. */
  readonly variables: Readonly<Record<string, string>>;
  /** Failed attempts in a row after which it ends; undefined: it goes on for ever. */
  readonly attempts: number | undefined;
  /** It ends when a key is not there, instead of waiting for it. */
  readonly failOnAbsence: boolean;
  /** How long (ms) the registry may be away before it ends; undefined: for ever. */
  readonly exitAfter: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Why it ended by itself. */
export type RunnerEnd =
  | { readonly kind: 'done' }
  /** The child ended. */
  | { readonly kind: 'child'; readonly code: number }
  | { readonly kind: 'failed'; readonly message: string };
