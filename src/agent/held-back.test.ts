import { describe, expect, it } from 'vitest';
import { noTraffic } from '../api/muster/traffic.ts';
import { withHeldBack } from './held-back.ts';

describe('the line about checks that are held back', () => {
  it('is there while some are, before the problems of the balancer', () => {
    const own = [{ key: 'k', place: 'a tag', message: 'is wrong' }];
    let heldBack = 0;
    const traffic = withHeldBack({ ...noTraffic, problems: () => own }, 'n1', () => heldBack);
    expect(traffic.problems()).toBe(own);
    heldBack = 3;
    const problems = traffic.problems();
    expect(problems).toMatchObject([
      { place: 'checks of n1', message: expect.stringContaining('3 failing checks') },
      own[0],
    ]);
    expect(traffic.problems()).toBe(problems);
    heldBack = 1;
    expect(traffic.problems()[0]?.message).toContain('1 failing check keeps its state');
    heldBack = 0;
    expect(traffic.problems()).toBe(own);
  });
});
