import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { becomes } from '../lib/soon.test-support.ts';
import { startHostsFile } from './hosts-file.ts';
import { startWorld } from './world.test-support.ts';

describe('a hosts file of the catalog', () => {
  it('has the instances that are not critical, and follows them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-hosts-file-'));
    const world = await startWorld();
    onTestFinished(async () => {
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    await world.node('n1', '10.0.0.1');
    await world.service('n1', '10.0.0.1', { id: 'a', name: 'web', address: '10.0.0.8', tags: ['us-1'] });
    await world.service('n1', '10.0.0.1', { id: 'b', name: 'web', address: '10.0.0.9' });
    await world.service('n1', '10.0.0.1', { id: 'c', name: 'db' });
    // Who may register a service may not put other names into the file.
    for (const name of ['web www.bank.example', 'x\n10.6.6.6 updates.example', 'a#b', 'a..b', ''])
      await world.service('n1', '10.0.0.1', { id: `evil ${name}`, name: name || '.' });
    await world.service('n1', '10.0.0.1', { id: 'd', name: 'far', address: 'host.example' });
    const path = join(folder, 'hosts');
    const file = (services: string[]) => {
      const { catalog } = world.store;
      const started = startHostsFile({
        catalog,
        path,
        services,
        domain: 'consul',
        clock: systemClock,
        logger: silentLogger,
      });
      onTestFinished(() => started.stop());
      return started;
    };
    const lines = () => readFileSync(path, 'utf8').split('\n').slice(1, -1);
    file(['us-1.web', 'none']).stop();
    expect(lines()).toEqual(['10.0.0.8 us-1.web us-1.web.service.consul']);
    file(['*']);
    expect(lines()).toEqual([
      '10.0.0.1 db db.service.consul',
      '10.0.0.8 web web.service.consul',
      '10.0.0.9 web web.service.consul',
    ]);
    await world.check('n1', '10.0.0.1', 'critical', 'b');
    await becomes(() => lines().length === 2);
    // Held open: its number is given to no other file.
    const held = openSync(path, 'r');
    onTestFinished(() => closeSync(held));
    const before = fstatSync(held).ino;
    // What does not bear on it does not wake whoever watches it.
    await world.check('n1', '10.0.0.1', 'critical', 'c');
    await world.check('n1', '10.0.0.1', 'warning', 'c');
    await world.service('n1', '10.0.0.1', { id: 'e', name: 'web', address: '10.0.0.10' });
    await becomes(() => lines().length === 3);
    expect(lines()).not.toContain('10.0.0.9 web web.service.consul');
    // Another file took its place; one that is the same stays.
    const after = statSync(path).ino;
    expect(after).not.toBe(before);
    file(['*']).stop();
    expect(statSync(path).ino).toBe(after);
  });
});
