import { describe, expect, it } from 'vitest';
import type { ContainerDetails } from '../docker/types.ts';
import { systemClock } from '../lib/clock.ts';
import { Leaving } from './leaving.ts';

function begin(config: ContainerDetails['Config'] = {}) {
  let now = 0;
  const leaving = new Leaving({ ...systemClock, now: () => now });
  const running = [{ Id: 'a', Name: '/a', Config: config }];
  leaving.learn(running);
  return {
    leaving,
    /** Whether the signal takes it out, and for how long. */
    signalled(signal: number) {
      leaving.over('a');
      leaving.told('a', `${signal}`);
      return leaving.has('a');
    },
    pass(ms: number) {
      now += ms;
    },
  };
}

describe('a container that is told to end', () => {
  it.each([
    ['SIGTERM', {}, 15],
    ['SIGKILL', {}, 9],
    ['SIGUSR1, where that is how it is stopped (haproxy)', { StopSignal: 'SIGUSR1' }, 10],
    ['SIGWINCH (httpd)', { StopSignal: 'WINCH' }, 28],
    ['SIGRTMIN+3 (systemd)', { StopSignal: 'SIGRTMIN+3' }, 37],
    ['a number', { StopSignal: '12' }, 12],
    ['SIGTERM, though it is stopped by another', { StopSignal: 'SIGQUIT' }, 15],
  ])('by %s is out', (_, config, signal) => {
    expect(begin(config).signalled(signal)).toBe(true);
  });

  it.each([
    ['SIGHUP', {}, 1],
    ['SIGWINCH that does not end it', {}, 28],
    ['SIGUSR1 that does not end it', { StopSignal: 'SIGTERM' }, 10],
  ])('by %s is not', (_, config, signal) => {
    expect(begin(config).signalled(signal)).toBe(false);
  });

  it('of which nothing is known is out for every signal that ends some', () => {
    const { leaving } = begin();
    leaving.told('b', '28');
    leaving.told('c', '10');
    expect([leaving.has('b'), leaving.has('c')]).toEqual([true, false]);
  });

  it('stays out for as long as it may take to end', () => {
    // With a stop_grace_period of five minutes it got traffic again after one.
    const slow = begin({ StopTimeout: 300 });
    slow.signalled(15);
    slow.pass(300_000);
    expect(slow.leaving.has('a')).toBe(true);
    slow.pass(15_000);
    expect(slow.leaving.has('a')).toBe(false);
    const usual = begin();
    usual.signalled(15);
    usual.pass(61_000);
    expect(usual.leaving.has('a')).toBe(false);
  });

  it('is still known while it ends, when only others run', () => {
    const { leaving, signalled } = begin({ StopSignal: 'SIGUSR1' });
    signalled(10);
    leaving.learn([]);
    leaving.learn([]);
    expect(signalled(10)).toBe(true);
  });
});
