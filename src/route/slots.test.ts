import { describe, expect, it } from 'vitest';
import { SHARED_SLOT, Slots } from './slots.ts';

describe('slots', () => {
  it('gives the same slot to the same key, never one to two keys, never the shared one', () => {
    const slots = new Slots({ capacity: 100 });
    const given = ['a', 'b', 'c', 'a'].map((key) => slots.take(key));
    expect(given[3]).toBe(given[0]);
    expect(new Set(given).size).toBe(3);
    expect(given).not.toContain(SHARED_SLOT);
  });

  it('reuses a slot only when all workers left its table and nothing is in flight on it', () => {
    const busy = new Set<number>();
    const slots = new Slots({ capacity: 2, isIdle: (slot) => !busy.has(slot) });
    const first = slots.take('a');
    slots.release('a', 7);
    slots.settle(6);
    expect(slots.take('b')).toBe(SHARED_SLOT);
    busy.add(first);
    slots.settle(7);
    expect(slots.take('c')).toBe(SHARED_SLOT);
    busy.clear();
    expect(slots.take('d')).toBe(first);
  });

  it('whoever comes back goes on with his old slot', () => {
    const assigned: number[] = [];
    const slots = new Slots({ capacity: 10, onAssign: (slot) => assigned.push(slot) });
    const first = slots.take('a');
    slots.release('a', 1);
    slots.take('b');
    expect(slots.take('a')).toBe(first);
    expect(assigned).toHaveLength(2);
  });

  it('counts together what finds no slot', () => {
    const slots = new Slots({ capacity: 2 });
    slots.take('a');
    expect([slots.take('b'), slots.take('c')]).toEqual([SHARED_SLOT, SHARED_SLOT]);
    slots.release('b', 1);
    slots.settle(1);
    expect(slots.take('d')).toBe(SHARED_SLOT);
  });
});
