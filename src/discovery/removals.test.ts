import { describe, expect, it } from 'vitest';
import { Removals } from './removals.ts';

describe('removals', () => {
  it('believes that a few are gone, and that many are when they go one after the other', () => {
    const removals = new Removals();
    expect(removals.admits(50, 60, 0)).toBe(true);
    expect(removals.admits(400, 1_000, 10_000)).toBe(true);
    for (let i = 0; i < 20; i++) expect(removals.admits(40, 1_000 - 40 * i, 20_000 + i * 3_000)).toBe(true);
  });

  it('does not believe that most are gone at once, in one answer or in many', () => {
    expect(new Removals().admits(600, 1_000, 0)).toBe(false);
    const removals = new Removals();
    const believed = Array.from({ length: 50 }, (_, i) => removals.admits(20, 1_000 - 20 * i, i * 10));
    expect(believed.filter(Boolean)).toHaveLength(25);
    expect(believed.at(-1)).toBe(false);
  });

  it('takes what comes and goes, however often, for no forgetting', () => {
    const removals = new Removals();
    for (let i = 0; i < 1_000; i++) {
      removals.came(2);
      expect(removals.admits(2, 2, i)).toBe(true);
    }
    // And does not lay up what came for a forgetting after it.
    for (let i = 0; i < 10; i++) removals.came(100);
    expect(removals.admits(600, 1_000, 1_500)).toBe(false);
  });
});
