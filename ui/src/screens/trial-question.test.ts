import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import type { TriedPolicy } from '../../../src/api/muster/wire-answers.ts';
import { durationText, NOTHING, policyToml, questionOf, standing } from './trial-question.ts';

const OWN: TriedPolicy = {
  min: 2,
  max: 12,
  policy: 'target',
  lookback: 600_000,
  signals: [
    { kind: 'requests_per_second', target: 100, isKnown: true },
    { kind: 'cpu', target: 0.5, isKnown: true },
  ],
};

const of = (text: string) => new URLSearchParams(text);

it('asks the agent with its own part of the address only', () => {
  expect(questionOf(of('try=web&min=3&cpu=0.7&q=x&max='))).toBe('?min=3&cpu=0.7');
  expect(questionOf(of('try=web'))).toBe('');
  const cleared = of('try=web&min=3&lookback=5m&q=x');
  for (const name of Object.keys(NOTHING)) cleared.delete(name);
  expect(String(cleared)).toBe('q=x');
});

it('stands where it was put, though the answer is still an older one', () => {
  const believed = { capacity: 125, boot: 30_000, work: 20 };
  expect(standing({ tried: OWN, believed }, of('min=5&cpu=0.8&lookback=90s&boot=2m'))).toMatchObject({
    min: 5,
    max: 12,
    lookback: 90_000,
    boot: 120_000,
    capacity: 125,
    signals: [{ target: 100 }, { target: 0.8 }],
  });
  expect([90_000, 600_000, 0].map(durationText)).toEqual(['90s', '10m', '0s']);
});

it('writes what differs, as the configuration has it', () => {
  const tried = { ...OWN, max: 20, lookback: 90_000 };
  expect(policyToml('web', { own: OWN, tried, isConfigured: true })).toBe(
    '# of the group "web"\n[group.autoscale]\nmax = 20\n\n[group.autoscale.target]\nstabilization = "90s"',
  );
  const whole = policyToml('a\nmin = 900', {
    own: OWN,
    tried: { ...OWN, policy: 'hpa', min: 3, lookback: 60_000 },
    isConfigured: false,
  });
  const autoscale = {
    min: 3,
    max: 12,
    policy: 'hpa',
    hpa: { in: { stabilization: '1m' } },
    signal: [
      { kind: 'requests_per_second', target: 100 },
      { kind: 'cpu', target: 0.5 },
    ],
  };
  expect(parse(whole)).toEqual({ group: { autoscale } });
});
