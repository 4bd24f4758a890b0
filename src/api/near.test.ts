import { describe, expect, it } from 'vitest';
import { putCoordinate } from '../catalog/commands/coordinate.ts';
import { register } from '../catalog/commands/register.ts';
import type { ApiContext } from './context.ts';
import { distance, ORIGIN, sortNear } from './near.ts';
import { testContext } from './test-context.ts';

const place = (x: number) => ({ ...ORIGIN, vec: [x, 0, 0, 0, 0, 0, 0, 0], height: 0 });

async function nodes(...places: [string, number | undefined][]): Promise<ApiContext> {
  const { context } = testContext();
  for (const [name, x] of places) {
    const node = { id: '', name, address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
    await context.store.write((tx) => register(tx, { node }));
    if (x !== undefined)
      await context.store.write((tx) => putCoordinate(tx, { node: name, segment: '', ...place(x) }));
  }
  return context;
}

describe('?near', () => {
  const sorted = (context: ApiContext, near: string, names: string[]) =>
    sortNear(context, near, names, (name) => name);

  it('orders by distance, the node itself first and nodes without a place last', async () => {
    const context = await nodes(['a', 5], ['b', 1], ['c', 3], ['d', undefined]);
    expect(sorted(context, 'b', ['d', 'a', 'b', 'c'])).toEqual(['b', 'c', 'a', 'd']);
    expect(sorted(context, 'B', ['d', 'a', 'b', 'c'])).toEqual(['b', 'c', 'a', 'd']);
  });

  it('leaves the order when nobody asks, or nobody knows the place', async () => {
    const context = await nodes(['a', 5], ['b', 1]);
    expect(sorted(context, '', ['a', 'b'])).toEqual(['a', 'b']);
    expect(sorted(context, 'nobody', ['a', 'b'])).toEqual(['a', 'b']);
  });

  it('knows where this node is without being told', async () => {
    const context = await nodes(['a', 5], ['test-1', undefined], ['b', 1]);
    expect(sorted(context, '_agent', ['a', 'test-1', 'b'])).toEqual(['test-1', 'b', 'a']);
  });
});

it('an adjustment below zero counts only while the distance stays above it', () => {
  const shifted = { ...place(0.01), adjustment: -0.004 };
  expect(distance(place(0), shifted)).toBeCloseTo(0.006);
  expect(distance(place(0), { ...shifted, adjustment: -1 })).toBeCloseTo(0.01);
});
