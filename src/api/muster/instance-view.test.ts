import { describe, expect, it } from 'vitest';
import type { Check } from '../../catalog/rows.ts';
import { standing } from './instance-view.ts';

function check(status: Check['status'], more: Partial<Check> = {}): Check {
  return {
    node: 'n1',
    id: `check-${status}`,
    name: 'answers',
    status,
    notes: '',
    output: '',
    serviceId: 'web-1',
    serviceName: 'web',
    serviceTags: [],
    type: 'http',
    interval: '',
    timeout: '',
    definition: {},
    createIndex: 1,
    modifyIndex: 1,
    ...more,
  };
}

const maintenance = check('critical', { id: '_service_maintenance:web-1', notes: 'new disk' });
const ejected = { state: 'ejected', reason: '3 connects refused' } as const;

describe('how an instance stands', () => {
  it('names the firmest obstacle: maintenance, critical, balancer, warning', () => {
    const [warning, critical] = [check('warning'), check('critical')];
    expect(standing([maintenance, critical, warning], ejected).state).toBe('maintenance');
    expect(standing([critical, warning], ejected).state).toBe('critical');
    expect(standing([warning], ejected).state).toBe('ejected');
    expect(standing([warning, check('passing')], undefined).state).toBe('warning');
    expect(standing([check('passing')], undefined)).toEqual({ state: 'passing', reason: '' });
    expect(standing([], undefined)).toEqual({ state: 'passing', reason: '' });
  });

  it.each([
    ['in maintenance: new disk', [maintenance], undefined],
    [
      'its node is in maintenance',
      [check('critical', { id: '_node_maintenance', serviceId: '' })],
      undefined,
    ],
    ['check “answers” is critical', [check('critical')], undefined],
    [
      'check “answers” is critical: refused (and 1 more)',
      [check('critical', { output: 'refused\nline 2' }), check('critical', { id: 'b' })],
      undefined,
    ],
    [
      'node check “disk” is critical: full',
      [check('critical', { name: 'disk', serviceId: '', output: ' full ' })],
      undefined,
    ],
    [
      'check “disk” is critical; the balancer sends it requests all the same, as a check of its own passes',
      [check('passing', { id: 'a' }), check('critical', { id: 'b', name: 'disk' })],
      undefined,
    ],
    [
      'check “disk” is critical',
      [check('passing', { id: 'a' }), check('critical', { id: 'b', name: 'disk' })],
      ejected,
    ],
    ['check “check-warning” is warning', [check('warning', { name: '' })], undefined],
    ['ejected by the balancer: 3 connects refused', [check('passing')], ejected],
  ] as const)('says why: %s', (reason, checks, out) => {
    expect(standing(checks, out).reason).toBe(reason);
  });

  it('keeps the sentence short however long the output is', () => {
    const { reason } = standing([check('critical', { output: 'x'.repeat(100_000) })], undefined);
    expect(reason.length).toBeLessThan(300);
  });
});
