import { expect, it, vi } from 'vitest';
import { ManualClock } from '../../src/lib/clock.ts';
import type { Answer } from './api.ts';
import { Follower } from './follower.ts';

const told = (value: string): Answer<string> => ({ kind: 'value', value });
const refused = (status: number): Answer<string> => ({ kind: 'refused', status, message: '' });

/** `answers` in turn; the last again and again. */
function follow(...answers: Answer<string>[]) {
  const clock = new ManualClock();
  const ask = vi.fn(async () => (answers.length > 1 ? answers.shift() : answers[0]) as Answer<string>);
  const take = vi.fn();
  const follower = new Follower(ask, take, clock);
  /** Lets what was asked be answered, then moves time on. */
  const pass = async (ms: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ask, take, follower, pass };
}

it('asks once, and not again without news', async () => {
  const { ask, take, pass } = follow(told('a'));
  await pass(3_600_000);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(take.mock.calls).toEqual([[told('a')]]);
});

it('asks again at once when news comes, and at most twice a second while there is more and more of it', async () => {
  const { ask, follower, pass } = follow(told('a'));
  await pass(3_000);
  follower.news();
  expect(ask).toHaveBeenCalledTimes(2);
  for (let at = 0; at < 100; at++) {
    follower.news();
    await pass(10);
  }
  expect(ask.mock.calls.length).toBeGreaterThan(2);
  expect(ask.mock.calls.length).toBeLessThanOrEqual(5);
  await pass(10_000);
  const last = ask.mock.calls.length;
  await pass(10_000);
  expect(ask).toHaveBeenCalledTimes(last);
});

it('news that comes while an answer is on its way is not lost', async () => {
  const { ask, take, follower, pass } = follow(told('old'), told('new'));
  follower.news();
  await pass(500);
  expect(ask).toHaveBeenCalledTimes(2);
  expect(take).toHaveBeenLastCalledWith(told('new'));
});

it.each([
  [0, 'the agent did not answer'],
  [500, 'there was no leader'],
])('status %d: %s, so it asks again without news', async (status) => {
  const { take, pass } = follow(refused(status), told('a'));
  await pass(2_000);
  expect(take.mock.calls).toEqual([[refused(status)], [told('a')]]);
});

it.each([403, 404])('status %d stays what it is until there is news', async (status) => {
  const { ask, follower, pass } = follow(refused(status), told('a'));
  await pass(60_000);
  expect(ask).toHaveBeenCalledTimes(1);
  follower.news();
  expect(ask).toHaveBeenCalledTimes(2);
});

it('says nothing any more once it was stopped', async () => {
  const { ask, take, follower, pass } = follow(told('a'));
  follower.stop();
  follower.news();
  await pass(10_000);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(take).not.toHaveBeenCalled();
});
