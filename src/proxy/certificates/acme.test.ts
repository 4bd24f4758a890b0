import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { Authority } from '../tls/fixtures.ts';
import { acme, renewalOf } from './acme.ts';
import type { Findings } from './source.ts';

const DAY = 86_400_000;
let folder = '';
let asked = 0;
let nobody: Server;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-acme-'));
  asked = 0;
  // An authority that hangs up.
  nobody = createServer((socket) => {
    asked++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(nobody, 'listening');
});
afterEach(() => {
  nobody.close();
  rmSync(folder, { recursive: true });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function follow(clock: ManualClock, names: readonly string[]) {
  const found: Findings[] = [];
  const troubles: string[] = [];
  const stop = acme.follow(
    {
      cert: folder,
      names,
      directory: `https://127.0.0.1:${(nobody.address() as { port: number }).port}/dir`,
      contacts: [],
      challenges: ['http-01'],
    },
    {
      clock,
      random: () => 1,
      challenges: { show: () => Promise.resolve(), hide() {} },
      found: (findings) => found.push(findings),
      trouble: (why) => troubles.push(why),
    },
  );
  return { found, troubles, stop };
}

it('renews after two thirds of a certificate’s life, goes on showing it meanwhile, and asks again later and later', async () => {
  const authority = new Authority();
  const { cert, key } = authority.issue({ names: ['one.test'], days: 90 });
  authority.remove();
  writeFileSync(join(folder, 'one.test.pem'), cert + key);
  const clock = new ManualClock(Date.now() + 59 * DAY);
  const { found, troubles, stop } = follow(clock, ['one.test']);
  await until(() => found.length > 0);
  expect(found[0]?.certificates).toHaveLength(1);
  expect(asked).toBe(0);
  // It looks every six hours, and at the moment itself.
  for (let i = 0; i < 5; i++) {
    const looks = found.length;
    clock.advance(DAY / 4);
    await until(() => found.length > looks || troubles.length > 0);
  }
  await until(() => troubles.length === 1);
  expect(troubles[0]).toMatch(/no certificate for one\.test from 127\.0\.0\.1:\d+: .*cannot be asked/);
  expect(found.every(({ certificates }) => certificates.length === 1)).toBe(true);
  for (const minutes of [1, 2, 4, 8]) {
    const before = troubles.length;
    clock.advance(minutes * 60_000 - 1);
    expect(troubles).toHaveLength(before);
    clock.advance(1);
    await until(() => troubles.length > before);
  }
  stop();
});

it('does not take a certificate for other names', async () => {
  const authority = new Authority();
  const { cert, key } = authority.issue({ names: ['one.test'], days: 90 });
  authority.remove();
  writeFileSync(join(folder, 'one.test.pem'), cert + key);
  const { found, troubles, stop } = follow(new ManualClock(Date.now()), ['one.test', 'two.test']);
  await until(() => troubles.length > 0);
  expect(found[0]?.certificates).toEqual([]);
  stop();
});

it('knows when it is time', () => {
  expect(renewalOf({ notBefore: 0, notAfter: 90 * DAY })).toBe(60 * DAY);
  expect(renewalOf({ notBefore: 0, notAfter: 6 * DAY })).toBe(4 * DAY);
});
