/** How verbs that run in the foreground are told what to log. */
import { LOG_LEVELS, type LogLevel } from '../lib/log.ts';
import type { Flags, FlagValues } from './flags.ts';

export interface LogChoice {
  readonly level: LogLevel;
  readonly format: 'pretty' | 'json';
}

export const LOG_FLAGS = {
  'log-level': {
    kind: 'string',
    choices: LOG_LEVELS,
    summary: 'Least important lines that are written.',
    default: 'info',
  },
  'log-json': { kind: 'boolean', summary: 'Log lines as JSON.' },
} as const satisfies Flags;

export function logChoice(given: FlagValues<typeof LOG_FLAGS>): LogChoice {
  return { level: given['log-level'] ?? 'info', format: given['log-json'] === true ? 'json' : 'pretty' };
}
