import { describe, expect, it } from 'vitest';
import { Trial } from './trial.ts';

/** What a completion takes: processor time and time, µs. */
interface Cost {
  processor: number;
  time: number;
}

/** The part of `turns` turns of eight completions that went the second way. `delay`: a factor of the time of a turn. */
function share(first: Cost, second: Cost, turns = 40_000, delay: () => number = () => 1): number {
  let processor = 0;
  const trial = new Trial(() => processor);
  let on = 0;
  for (let i = 0; i < turns; i++) {
    const cost = trial.isOn ? second : first;
    if (trial.isOn) on++;
    processor += 8 * cost.processor;
    trial.came(8, (8 * cost.time * delay()) / 1_000);
  }
  return on / turns;
}

const usual: Cost = { processor: 4, time: 5 };

describe('a trial of two ways', () => {
  it.each([
    ['takes the second where it costs less', { processor: 3, time: 5 }, true],
    ['takes it where it takes less time', { processor: 4, time: 4 }, true],
    ['keeps to the first where the second costs more', { processor: 5, time: 5 }, false],
    ['keeps to it where what is saved is paid with as much time', { processor: 3, time: 20 / 3 }, false],
    ['keeps to it where they cost the same', usual, false],
    ['keeps to it where all that is saved is noise', { processor: 3.9, time: 5 }, false],
  ])('%s', (_, second, isTaken) => {
    const part = share(usual, second);
    if (isTaken) expect(part).toBeGreaterThan(0.8);
    else expect(part).toBeLessThan(0.1);
    expect(part).toBeGreaterThan(0.01);
    expect(part).toBeLessThan(0.99);
  });

  it('finds the cheaper one again when that changes', () => {
    let processor = 0;
    const trial = new Trial(() => processor);
    const parts = [3, 6, 3].map((dear) => {
      let on = 0;
      for (let i = 0; i < 60_000; i++) {
        if (trial.isOn) on++;
        processor += 8 * (trial.isOn ? dear : 4);
        trial.came(8, 0.04);
      }
      return on / 60_000;
    });
    expect(parts.map((part) => part > 0.5)).toEqual([true, false, true]);
  });

  it('learns nothing where there is little to do', () => {
    let processor = 0;
    const trial = new Trial(() => processor);
    let on = 0;
    for (let i = 0; i < 20_000; i++) {
      if (trial.isOn) on++;
      processor += trial.isOn ? 1 : 100;
      trial.came(1, 5);
    }
    // It goes on looking: half of such spans, of which each is too long.
    expect(on / 20_000).toBeLessThanOrEqual(0.55);
  });

  it.each([
    ['cheaper', { processor: 2.4, time: 4 }, 0.7, 1],
    ['dearer', { processor: 5.6, time: 6 }, 0, 0.2],
  ])('is not led astray by spans that somebody else had the core for: %s', (_, second, least, most) => {
    let turns = 0;
    // A span is 256 turns: one in four or so is much longer than what it had to do.
    const part = share(usual, second, 200_000, () => (++turns % 1_009 === 0 ? 4_000 : 1));
    expect(part).toBeGreaterThanOrEqual(least);
    expect(part).toBeLessThanOrEqual(most);
  });
});
