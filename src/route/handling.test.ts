import { describe, expect, it } from 'vitest';
import { Access } from './handling.ts';

const access = (rules: { allow?: string[]; deny?: string[]; closed?: boolean }) =>
  new Access({ allow: [], deny: [], closed: false, ...rules });

describe('access to a route', () => {
  const denying = access({ deny: ['9.0.0.0/8', 'fe80::/10'] });
  const allowing = access({ allow: ['10.0.0.0/8', '::1'] });

  it.each([
    ['', true, true],
    ['10.1.1.1', true, true],
    ['8.8.8.8', true, false],
    ['9.1.2.3', false, false],
    ['10.1.1.1, 9.1.2.3', false, false],
    ['10.1.1.1,, ', true, true],
    ['10.1.1.1:4711', true, true],
    ['9.1.2.3:4711', false, false],
    ['[::1]:4711', true, true],
    ['[::1]', true, true],
    ['[fe80::1]:4711', false, false],
    ['unknown', true, false],
    ['_hidden, 9.1.2.3', false, false],
  ])('with X-Forwarded-For %j: deny= lets in %s, allow= %s', (list, past, allowed) => {
    expect([denying.admitsAll(list), allowing.admitsAll(list)]).toEqual([past, allowed]);
  });

  it('is for nobody where a rule could not be read', () => {
    const closed = access({ closed: true });
    expect([closed.admits('10.0.0.1'), closed.admitsAll('unknown')]).toEqual([false, false]);
  });
});
