import Consul from 'consul';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../scripts/support/processes.mjs';
import { testMuster } from '../support/muster.ts';

async function connected() {
  const { api } = await testMuster('agent', { node: { dev: true, name: 'here' } });
  return new Consul({ host: '127.0.0.1', port: Number(new URL(api).port) });
}

interface Entry {
  Service: { ID: string; Tags: string[]; Meta: Record<string, string> };
}
const idsOf = (entries: Entry[]) => entries.map(({ Service }) => Service.ID).sort();

describe("Node's client of Consul", () => {
  it('registers services, reports their state and watches them', async () => {
    const consul = await connected();
    const register = (id: string) =>
      consul.agent.service.register({
        name: 'web',
        id,
        address: '10.0.0.1',
        port: 80,
        tags: ['blue'],
        meta: { version: '1' },
        // Its types want all three.
        check: { name: 'alive', ttl: '60s', timeout: '1s' },
      });
    const seen: string[] = [];
    const watch = consul.watch({
      method: consul.health.service,
      options: { service: 'web', passing: 'true' },
      backoffFactor: 10,
    });
    onTestFinished(() => watch.end());
    watch.on('change', (entries: Entry[]) => seen.push(idsOf(entries).join()));
    watch.on('error', (error: Error) => seen.push(String(error)));
    const toSee = (ids: string) => until(`the watch to see "${ids}"`, () => seen.at(-1) === ids);

    await toSee('');
    await register('web-1');
    await consul.agent.check.pass({ id: 'service:web-1', note: 'well' });
    await toSee('web-1');
    await register('web-2');
    await consul.agent.check.pass('service:web-2');
    await toSee('web-1,web-2');
    await consul.agent.check.fail({ id: 'service:web-1' });
    await toSee('web-2');
    await consul.agent.service.maintenance({ id: 'web-2', enable: true, reason: 'later' });
    await toSee('');
    await consul.agent.service.maintenance({ id: 'web-2', enable: false });
    await toSee('web-2');
    await consul.agent.service.deregister('web-2');
    await toSee('');
    expect(seen.filter((one) => one.includes('Error'))).toEqual([]);

    expect(Object.keys(await consul.agent.service.list())).toEqual(['web-1']);
    expect(await consul.catalog.service.list()).toEqual({ consul: [], web: ['blue'] });
    expect(await consul.catalog.node.list()).toMatchObject([{ Node: 'here' }]);
    expect(await consul.health.state('critical')).toMatchObject([{ CheckID: 'service:web-1' }]);
    expect(await consul.health.node('here')).toHaveLength(2);
    expect(await consul.agent.members()).toMatchObject([{ Name: 'here' }]);
    expect(await consul.status.leader()).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('keeps keys, locks them and writes several at once', async () => {
    const consul = await connected();
    expect(await consul.kv.set('app/ä', 'grün')).toBe(true);
    expect(await consul.kv.get('app/ä')).toMatchObject({ Key: 'app/ä', Value: 'grün', Flags: 0 });
    expect(await consul.kv.get('app/none')).toBeUndefined();
    const { ModifyIndex } = (await consul.kv.get('app/ä')) as { ModifyIndex: number };
    // For "false" the client answers with undefined.
    expect(await consul.kv.set({ key: 'app/ä', value: 'x', cas: ModifyIndex - 1 })).toBeFalsy();
    expect(await consul.kv.set({ key: 'app/ä', value: 'x', cas: ModifyIndex, flags: 7 })).toBe(true);

    const { ID: first } = await consul.session.create({ name: 'first', ttl: '30s', behavior: 'delete' });
    const { ID: second } = await consul.session.create({ name: 'second', lockdelay: '0s' });
    expect(await consul.kv.set({ key: 'lock', value: 'mine', acquire: first })).toBe(true);
    expect(await consul.kv.set({ key: 'lock', value: 'mine', acquire: second })).toBeFalsy();
    expect(await consul.kv.get('lock')).toMatchObject({ Session: first, LockIndex: 1 });
    expect(await consul.session.renew(first)).toMatchObject([{ ID: first }]);
    expect(await consul.kv.set({ key: 'lock', value: 'free', release: first })).toBe(true);
    expect(await consul.kv.set({ key: 'lock', value: 'mine', acquire: second })).toBe(true);
    await consul.session.destroy(second);
    expect(await consul.session.list()).toMatchObject([{ ID: first }]);

    const written = await consul.transaction.create([
      { KV: { Verb: 'set', Key: 'app/one', Value: Buffer.from('1').toString('base64') } },
      { KV: { Verb: 'get', Key: 'app/ä' } },
    ] as never);
    expect(written).toMatchObject({
      Results: [{ KV: { Key: 'app/one' } }, { KV: { Key: 'app/ä', Flags: 7 } }],
    });
    expect(await consul.kv.keys('app/')).toEqual(['app/one', 'app/ä']);
    await consul.kv.del({ key: 'app/', recurse: true });
    expect(await consul.kv.keys('app/').catch((error: { statusCode: number }) => error.statusCode)).toBe(404);
  });
});
