import { describe, expect, it } from 'vitest';
import { keptBy } from './kept.ts';
import type { ContainerName } from './wanted.ts';

const container = (name: string): ContainerName => ({ id: `id-${name}`, name });

function kept(more: Partial<Parameters<typeof keptBy>[0]>) {
  const put = new Map([
    ['own-a', { print: '', at: 0, container: container('aa') }],
    ['here:old-b:80', { print: '', at: 0, container: { id: 'id-b', name: 'old-b' } }],
  ]);
  const isKept = keptBy({ failed: [], failedIds: new Set(), unclear: [], put, hostname: 'here', ...more });
  return ['here:aa:80', 'own-a', 'here:old-b:80', 'of-earlier', 'there:aa:80'].filter(isKept);
}

describe('what stays though nothing wants it', () => {
  it('nothing when all is known', () => {
    expect(kept({})).toEqual([]);
  });

  it('what is of a container that failed', () => {
    expect(kept({ failed: [container('aa')], failedIds: new Set(['of-earlier']) })).toEqual([
      'here:aa:80',
      'own-a',
      'of-earlier',
    ]);
  });

  it('what is of a container that could not be looked into, under its earlier name too, and what may be of it', () => {
    expect(kept({ unclear: [container('aa')] })).toEqual([
      'here:aa:80',
      'own-a',
      'of-earlier',
      'there:aa:80',
    ]);
    expect(kept({ unclear: [container('b')] })).toEqual(['here:old-b:80', 'of-earlier', 'there:aa:80']);
    expect(kept({ unclear: [container('c')] })).toEqual(['of-earlier', 'there:aa:80']);
  });
});
