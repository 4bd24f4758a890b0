import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { configSchema } from './config/schema.ts';
import { adviceAlone, adviseOnAddress, adviseOnMove } from './role-advice.ts';

function listen() {
  const warnings: LogLine[] = [];
  return { warnings, logger: createLogger({ level: 'warn', sink: (line) => warnings.push(line) }) };
}

describe('the address that others are told', () => {
  const told = async (address: string, ...hosts: string[]) => {
    const { warnings, logger } = listen();
    const contacts: HostPort[] = hosts.map((host) => ({ host, port: 8300 }));
    const find = adviseOnAddress(async () => contacts, { address, logger });
    for (let round = 0; round < 3; round++) expect(await find()).toEqual(contacts);
    return warnings.map(({ message }) => message);
  };

  it.each([
    ['127.0.0.1', '10.0.0.1'],
    ['::1', 'fd00::1'],
    ['127.0.0.2', '127.0.0.1', '10.0.0.1'],
  ])('%s is warned of once, when a server is looked for at %s', async (address, ...hosts) => {
    const warnings = await told(address, ...hosts);
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(`^others are told ${address} .* -bind=ADDRESS or -advertise=ADDRESS$`),
      ),
    ]);
  });

  it('may be a loopback address where all servers are on this machine', async () => {
    expect(await told('127.0.0.1', '127.0.0.1', '::1', '127.0.1.1')).toEqual([]);
  });

  it('is well when others can reach it', async () => {
    expect(await told('10.0.0.7', '10.0.0.1', '127.0.0.1')).toEqual([]);
  });
});

describe('an agent that stands alone', () => {
  const KEY = 'pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=';

  it.each([
    [{ server: true }, '-server,'],
    [{ encrypt: KEY }, '-encrypt,'],
    [{ server: true, bootstrapExpect: 1, encrypt: KEY }, '-server and -encrypt,'],
  ])('in spite of %j says so, and what to give', (cluster, given) => {
    const advice = adviceAlone(configSchema.parse({ cluster }));
    expect(advice).toContain(`alone in spite of ${given}`);
    expect(advice).toContain('-retry-join=ADDRESS');
  });

  it('says nothing when it was not told of others in any way', () => {
    expect(adviceAlone(configSchema.parse({}))).toBeUndefined();
  });
});

it('of each address that the machine gets while the agent runs it is said once that others are not told', () => {
  const { warnings, logger } = listen();
  const clock = new ManualClock(1_000_000);
  let now = '10.0.0.1';
  const end = adviseOnMove({ address: '10.0.0.1', read: () => now, clock, logger });
  for (const address of [
    '10.0.0.1',
    '127.0.0.1',
    '10.0.0.7',
    '127.0.0.1',
    '10.0.0.7',
    '10.0.0.1',
    '10.0.0.8',
  ]) {
    now = address;
    clock.advance(20_000);
  }
  expect(
    warnings.map(({ message }) => /is (\S+) now, and others are told (\S+)/.exec(message)?.slice(1)),
  ).toEqual([
    ['10.0.0.7', '10.0.0.1'],
    ['10.0.0.8', '10.0.0.1'],
  ]);
  end();
  now = '10.0.0.9';
  clock.advance(20_000);
  expect(warnings).toHaveLength(2);
});
