import { expect, it } from 'vitest';
import type { PastChange } from '../../../src/api/muster/wire-history.ts';
import { checkMoments } from './check-moments.ts';

function change(index: number, id: string, service: string, status: string | null, output = ''): PastChange {
  return {
    index,
    time: new Date(index * 1000).toISOString(),
    what: 'check',
    change: 'changed',
    node: 'n1',
    id,
    service,
    before: null,
    after: status === null ? null : { Status: status, Output: output },
  };
}

it('lists what one check said, newest first, and nothing of others', () => {
  const moment = { index: 1, time: '' };
  const changes = [
    change(1, 'service:web-1', 'web', 'passing', 'ok'),
    change(2, 'service:web-2', 'web', 'critical', 'of another'),
    change(3, 'service:web-1', 'web', 'critical', 'refused'),
    change(4, 'service:web-1', 'web', null),
  ];
  expect(
    checkMoments({ oldest: moment, newest: moment, more: false, changes }, 'service:web-1', 'WEB'),
  ).toEqual([
    { index: 3, at: 3000, status: 'critical', output: 'refused' },
    { index: 1, at: 1000, status: 'passing', output: 'ok' },
  ]);
});
