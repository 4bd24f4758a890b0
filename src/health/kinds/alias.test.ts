import { describe, expect, it } from 'vitest';
import type { CheckStatus } from '../../catalog/rows.ts';
import { aliasOutcome } from './alias.ts';

const check = (name: string, status: CheckStatus, output = '') => ({ name, status, output });
const target = (...checks: ReturnType<typeof check>[]) => ({
  node: '',
  service: 'web',
  exists: true,
  checks,
});

describe('alias', () => {
  it('passes while all checks of the target do, and when there are none', () => {
    expect(aliasOutcome(target(check('a', 'passing')))).toEqual({
      status: 'passing',
      output: 'All checks passing.',
    });
    expect(aliasOutcome(target())).toEqual({ status: 'passing', output: 'No checks found.' });
  });

  it('shows the critical check before the one that warns', () => {
    expect(aliasOutcome(target(check('w', 'warning', 'so-so'), check('c', 'critical', 'dead')))).toEqual({
      status: 'critical',
      output: 'Aliased check "c" failing: dead',
    });
    expect(aliasOutcome(target(check('p', 'passing'), check('w', 'warning', 'so-so'))).status).toBe(
      'warning',
    );
  });

  it('is critical when the target is not there', () => {
    expect(aliasOutcome({ ...target(), exists: false, node: 'n1' })).toEqual({
      status: 'critical',
      output: 'Service web could not be found on node n1',
    });
  });
});
