import { expect, it } from 'vitest';
import { createLogger, type LogLine } from '../lib/log.ts';
import type { Hello } from './gossip.ts';
import type { Membership } from './membership.ts';
import { Strangers } from './strangers.ts';

const OWN = { id: 'ours', before: ['ours-of-old'] } as unknown as Membership;

function watch() {
  const errors: LogLine[] = [];
  const logger = createLogger({ level: 'error', sink: (line) => errors.push(line) });
  const strangers = new Strangers(logger);
  const hears = (name: string, cluster?: string, before: string[] = []) =>
    strangers.look({ self: { id: name, name }, cluster, before } as unknown as Hello, OWN);
  return { errors, hears };
}

it('a server of another cluster is named once, with what to do', () => {
  const { errors, hears } = watch();
  for (let round = 0; round < 3; round++) for (const name of ['n2', 'n3']) hears(name, 'theirs');
  expect(errors.map(({ fields }) => fields?.server)).toEqual(['n2', 'n3']);
  expect(errors[0]?.message).toContain('two clusters');
  expect(errors[0]?.fields?.hint).toContain('-retry-join');
});

it('it is named anew when it had joined in between', () => {
  const { errors, hears } = watch();
  for (const cluster of ['theirs', 'ours', 'theirs']) hears('n2', cluster);
  expect(errors).toHaveLength(2);
});

it('servers of this cluster, of none, and those one of which was given up are no strangers', () => {
  const { errors, hears } = watch();
  hears('n2', 'ours');
  hears('n3');
  hears('n4', 'ours-of-old');
  hears('n5', 'theirs', ['ours']);
  expect(errors).toEqual([]);
});
