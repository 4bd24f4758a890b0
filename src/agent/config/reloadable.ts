/** What of a changed configuration a reload cannot put in force. */
import { isDeepStrictEqual } from 'node:util';
import { toFileNames } from './names.ts';
import { type Config, configSchema } from './schema.ts';
import { pathText } from './sentences.ts';

/** What a reload swaps, by section; `agent.ts` and `balancer.ts` do it. */
const RELOADABLE: Readonly<Partial<Record<keyof Config, 'all' | readonly string[]>>> = {
  service: 'all',
  check: 'all',
  group: 'all',
  template: 'all',
  watch: 'all',
  node: ['meta'],
  log: ['level'],
  acl: ['tokens'],
  balancer: ['auth', 'headers', 'compression', 'accessLog', 'noRoute', 'policy'],
};

/** Settings that are others in `again` than in the configuration that a process was started with, and wait for its replacement, as files have them: "balancer.listen". */
export function waitingForRestart(started: Config, again: Config): string[] {
  const sections = Object.keys(configSchema.shape) as (keyof Config)[];
  return sections.flatMap((section) => {
    const reloadable = RELOADABLE[section] ?? [];
    if (reloadable === 'all' || isDeepStrictEqual(started[section], again[section])) return [];
    const [before, after] = [started[section], again[section]] as Readonly<Record<string, unknown>>[];
    if (before === undefined || after === undefined || Array.isArray(before)) return [section];
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((key) => !reloadable.includes(key) && !isDeepStrictEqual(before[key], after[key]))
      .map((key) => pathText(toFileNames(configSchema, [section, key])));
  });
}
