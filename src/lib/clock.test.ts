import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('waits for more than 24.8 days when told to', () => {
  // A check that was to be carried out every ten thousand years was carried out a thousand times a second.
  vi.useFakeTimers();
  const task = vi.fn();
  systemClock.after(2 ** 32, task);
  vi.advanceTimersByTime(2 ** 32 - 1);
  expect(task).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(task).toHaveBeenCalledOnce();
  const cancel = systemClock.after(2 ** 32, task);
  vi.advanceTimersByTime(2 ** 31);
  cancel();
  vi.advanceTimersByTime(2 ** 32);
  expect(task).toHaveBeenCalledOnce();
});
