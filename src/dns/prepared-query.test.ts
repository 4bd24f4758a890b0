import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import * as oracle from 'dns-packet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setQuery } from '../catalog/commands/query.ts';
import { queryDraft } from '../catalog/prepared-query/fixtures.test-support.ts';
import { startWorld, type World } from './world.test-support.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

interface Asking {
  type?: string;
  /** The network that a forwarder names. */
  subnet?: string;
  edns?: boolean;
}

async function ask(name: string, { type = 'A', subnet, edns = subnet !== undefined }: Asking = {}) {
  const option = { code: 8, family: 1, sourcePrefixLength: 32, scopePrefixLength: 0, ip: subnet };
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4096,
    flags: 0,
    options: subnet === undefined ? [] : [option],
  };
  const packet = oracle.encode({
    type: 'query',
    id: 7,
    questions: [{ type, name }],
    additionals: edns ? [opt] : [],
  });
  const socket = createSocket('udp4');
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.send(packet, world.port, '127.0.0.1');
  });
  socket.close();
  const { rcode, answers, additionals } = oracle.decode(answer);
  const said = additionals.find((record) => record.type === 'OPT');
  const [network] = (said?.options ?? []) as { ip: string; scopePrefixLength: number }[];
  return {
    rcode,
    answers: answers.map(({ data }) => data),
    ttls: answers.map(({ ttl }) => ttl),
    subnet: network,
  };
}

const put = (draft: Parameters<typeof queryDraft>[0]) =>
  world.store.write((tx) => setQuery(tx, queryDraft(draft)));

const place = (node: string, x: number) =>
  world.store.write((tx) =>
    tx.put('coordinates', {
      node,
      segment: '',
      vec: [x, 0, 0, 0, 0, 0, 0, 0],
      error: 1,
      adjustment: 0,
      height: 0,
    }),
  );

/** Five instances: n1 is the nearest to where n0 is, n4 the farthest. */
async function line(): Promise<void> {
  for (let n = 0; n < 5; n++) {
    await world.service(`n${n}`, `10.0.0.${n}`, { name: 'web', port: 80 });
    await place(`n${n}`, n);
  }
}

it('is answered under its name, its ID and names with dots', async () => {
  await world.service('n', '10.0.0.1', { name: 'web', port: 80 });
  await put({ name: 'my.Query', dns: { ttl: '1m' } });
  for (const name of [
    'my.query.query.consul',
    'MY.QUERY.query.dc1.consul',
    `${queryDraft().id}.query.consul`,
  ])
    expect(await ask(name)).toMatchObject({ answers: ['10.0.0.1'], ttls: [60] });
  expect((await ask('my.query.query.dc2.consul')).rcode).toBe('NXDOMAIN');
  expect((await ask('query.consul')).rcode).toBe('NXDOMAIN');
  expect(await ask('my.query.query.consul', { type: 'AAAA' })).toMatchObject({
    rcode: 'NOERROR',
    answers: [],
  });
});

it('a template answers to whatever begins with its name', async () => {
  await world.service('n', '10.0.0.1', { name: 'web', tags: ['blue'] });
  const template = { type: 'name_prefix_match', regexp: '^to-(.*)-(.*)$' };
  await put({ name: 'to-', template, service: { service: `\${match(2)}`, tags: [`\${match(1)}`] } });
  expect((await ask('to-blue-web.query.consul')).answers).toEqual(['10.0.0.1']);
  expect((await ask('to-red-web.query.consul')).rcode).toBe('NXDOMAIN');
});

it('a template that has no answer for a name is a failure', async () => {
  const template = { type: 'name_prefix_match', regexp: '^q-(.*)$' };
  await put({ template, service: { service: `\${10 % (match(1) == "0" ? 0 : 1)}` } });
  expect((await ask('q-0.query.consul')).rcode).toBe('SERVFAIL');
  expect((await ask('q-1.query.consul')).rcode).toBe('NXDOMAIN');
});

it('follows every change of the query, its instances and their places', async () => {
  await world.service('n1', '10.0.0.1', { name: 'web' });
  await world.service('n2', '10.0.0.2', { name: 'db' });
  const answers = async () => (await ask('q.query.consul')).answers;
  expect(await answers()).toEqual([]);
  await put({ service: { near: 'elsewhere' } });
  expect(await answers()).toEqual(['10.0.0.1']);
  await put({ service: { service: 'db', near: 'n1' } });
  expect(await answers()).toEqual(['10.0.0.2']);
  await world.service('n3', '10.0.0.3', { name: 'db' });
  for (const [node, x] of Object.entries({ n1: 0, n2: 1, n3: 2 })) await place(node, x);
  expect(await answers()).toEqual(['10.0.0.2', '10.0.0.3']);
  await place('n3', 0.5);
  expect(await answers()).toEqual(['10.0.0.3', '10.0.0.2']);
  await world.store.write((tx) => tx.delete('queries', queryDraft().id));
  expect(await answers()).toEqual([]);
});

it('has the nearest first, however few there is room for', async () => {
  await line();
  await put({ service: { near: 'n0' } });
  for (let i = 0; i < 5; i++)
    expect((await ask('q.query.consul')).answers).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2']);
  const targets = (await ask('q.query.consul', { type: 'SRV' })).answers as { target: string }[];
  expect(targets.map(({ target }) => target.split('.')[0])).toEqual(['n0', 'n1', 'n2']);
});

it('is in random order where no nearness is asked for', async () => {
  await line();
  await put({});
  const first = new Set<unknown>();
  for (let i = 0; i < 40; i++) first.add((await ask('q.query.consul')).answers[0]);
  expect(first.size).toBeGreaterThan(1);
});

it('near the asker means the network that its forwarder names, and says so', async () => {
  await line();
  await put({ service: { near: '_ip' } });
  for (const [subnet, expected] of [
    ['10.0.0.4', ['10.0.0.4', '10.0.0.3', '10.0.0.2']],
    ['10.0.0.0', ['10.0.0.0', '10.0.0.1', '10.0.0.2']],
  ] as const) {
    const answer = await ask('q.query.consul', { subnet });
    expect(answer.answers.slice(0, 3)).toEqual(expected);
    expect(answer.subnet).toMatchObject({ ip: subnet, sourcePrefixLength: 32, scopePrefixLength: 32 });
  }
});

it('an answer that is the same for everybody says that too', async () => {
  await line();
  const service = await ask('web.service.consul', { subnet: '10.0.0.4' });
  expect(service.subnet).toMatchObject({ ip: '10.0.0.4', scopePrefixLength: 0 });
  const unknown = await ask('none.query.consul', { subnet: '10.0.0.4' });
  expect([unknown.rcode, unknown.subnet?.scopePrefixLength]).toEqual(['NXDOMAIN', 0]);
  expect((await ask('web.service.consul', { edns: true })).subnet).toBeUndefined();
});

it('near the asker is the node with its address, over TCP as well', async () => {
  await line();
  await world.node('here', '127.0.0.1');
  await world.service('here', '127.0.0.1', { name: 'web' });
  await put({ service: { near: '_ip' } });
  expect((await ask('q.query.consul')).answers[0]).toBe('127.0.0.1');
  const packet = oracle.streamEncode({
    type: 'query',
    id: 1,
    questions: [{ type: 'A', name: 'q.query.consul' }],
  });
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect(world.port, '127.0.0.1', () => socket.write(packet));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk);
    });
  });
  expect(oracle.streamDecode(answer).answers[0]?.data).toBe('127.0.0.1');
});
