/** What the tests of kinds that ask for a list share. */
import { onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import type { PollOptions } from './poll.ts';

export const common: PollOptions = {
  service: 'web',
  interval: 20,
  timeout: 2_000,
  failPolicy: 'keeplast',
  clock: systemClock,
  random: () => 0,
  log: silentLogger,
};

/** Ports of what is known, each time it changes. */
export function follow(start: (listener: InstanceListener) => Discovery) {
  const ports = new Set<number>();
  let told: (value: number[]) => void = () => {};
  const discovery = start((changes) => {
    for (const { before, after } of changes) {
      if (before !== undefined) ports.delete(before.port);
      if (after !== undefined) ports.add(after.port);
    }
    told([...ports].sort());
  });
  onTestFinished(() => discovery.stop());
  return {
    discovery,
    next: () => new Promise<number[]>((resolve) => (told = resolve)),
  };
}
