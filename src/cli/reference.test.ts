import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { configReference } from '../agent/config/reference.ts';
import { fabioReference } from '../agent/fabio/reference.ts';
import { metricsReference } from '../agent/metrics/reference.ts';
import { apiReference } from '../api/reference.ts';
import { templateReference } from '../template/functions/reference.ts';
import { errorsReference } from './errors-reference.ts';
import { cliReference } from './reference.ts';
import { loadAll } from './verb.ts';
import { verbs } from './verbs.ts';

const committed = (name: string): string =>
  fs.readFileSync(path.join(import.meta.dirname, '../../docs/reference', name), 'utf8');

it('docs/reference is what `node scripts/docs.mjs` makes now', async () => {
  expect(committed('config.md')).toBe(configReference());
  expect(committed('cli.md')).toBe(cliReference(await loadAll(verbs)));
  expect(committed('template.md')).toBe(templateReference());
  expect(committed('metrics.md')).toBe(metricsReference());
  expect(committed('api.md')).toBe(apiReference());
  expect(committed('errors.md')).toBe(errorsReference());
  expect(committed('fabio-settings.md')).toBe(fabioReference());
});

it('no flag says twice that it may be repeated', async () => {
  expect(cliReference(await loadAll(verbs))).not.toContain('May be repeated. May be repeated.');
});

it('every key of the configuration is described', () => {
  const undescribed = configReference()
    .split('\n')
    .filter((line) => /^\| `.*\| *\|$/.test(line));
  expect(undescribed).toEqual([]);
});
