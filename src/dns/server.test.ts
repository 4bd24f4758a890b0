import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import * as oracle from 'dns-packet';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { deregisterNode, deregisterService } from '../catalog/commands/register.ts';
import { ManualClock } from '../lib/clock.ts';
import { encodeQuery } from '../lib/dns/message.ts';
import { TYPE } from '../lib/dns/numbers.ts';
import { knowing, nameServer } from './name-server.test-support.ts';
import { startDns } from './server.ts';
import { startWorld, type World } from './world.test-support.ts';

let world: World | undefined;
const open = async (...options: Parameters<typeof startWorld>) => {
  world = await startWorld(...options);
  return world;
};
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

type Asked = { edns?: number; id?: number };
const question = (name: string, type: keyof typeof TYPE, { edns, id = 1 }: Asked = {}) =>
  encodeQuery(name.split('.'), { id, type: TYPE[type], ...(edns === undefined ? {} : { ednsBytes: edns }) });

function askUdp(port: number, packet: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.once('message', (answer) => {
      socket.close();
      resolve(answer);
    });
    socket.send(packet, port, '127.0.0.1');
  });
}

const framed = (packet: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
};

/** Writes `chunks` one after another and reads `count` answers, or until the server closes. */
function askTcp(port: number, chunks: readonly Buffer[], count: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    let rest = Buffer.alloc(0);
    const socket: Socket = connect(port, '127.0.0.1', async () => {
      for (const chunk of chunks) {
        socket.write(chunk);
        await new Promise((next) => setImmediate(next));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answers));
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        answers.push(rest.subarray(2, 2 + rest.readUInt16BE(0)));
        rest = rest.subarray(2 + rest.readUInt16BE(0));
      }
      if (answers.length >= count) socket.destroy();
    });
  });
}

/** Resolves when the server has closed its side too. */
function sendTcp(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

const names = (answer: Buffer) => oracle.decode(answer).answers.map(({ data }) => data);

describe('an answer', () => {
  it('follows every change at once', async () => {
    const { port, store, service, node, check } = await open();
    const ask = async (name = 'web.service.consul') => names(await askUdp(port, question(name, 'A')));
    expect(await ask()).toEqual([]);
    await service('n1', '10.0.0.1', { name: 'web' });
    expect(await ask()).toEqual(['10.0.0.1']);
    await service('n2', '10.0.0.2', { name: 'web', tags: ['new'] });
    expect((await ask()).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(await ask('new.web.service.consul')).toEqual(['10.0.0.2']);
    await node('n1', '10.0.0.9');
    expect((await ask()).sort()).toEqual(['10.0.0.2', '10.0.0.9']);
    expect(await ask('n1.node.consul')).toEqual(['10.0.0.9']);
    await check('n2', '10.0.0.2', 'critical', 'web');
    expect(await ask()).toEqual(['10.0.0.9']);
    expect(await ask('new.web.service.consul')).toEqual([]);
    await check('n2', '10.0.0.2', 'passing', 'web');
    await store.write((tx) => deregisterService(tx, 'n1', 'web'));
    expect(await ask()).toEqual(['10.0.0.2']);
    await store.write((tx) => deregisterNode(tx, 'n2'));
    expect(await ask()).toEqual([]);
    expect(await ask('n2.node.consul')).toEqual([]);
  });

  it('through an alias follows what the alias stands for', async () => {
    const { port, service, node } = await open();
    await service('n1', '10.0.0.1', { name: 'web', address: 'target.node.consul' });
    const ask = async () => names(await askUdp(port, question('web.service.consul', 'A')));
    expect(await ask()).toEqual(['target.node.consul']);
    await node('target', '10.0.0.7');
    expect(await ask()).toEqual(['target.node.consul', '10.0.0.7']);
    await node('target', '10.0.0.8');
    expect(await ask()).toEqual(['target.node.consul', '10.0.0.8']);
  });

  it('ends at aliases that lead in circles', async () => {
    const { port, service } = await open();
    await service('n1', '10.0.0.1', { name: 'a', address: 'b.service.consul' });
    await service('n1', '10.0.0.1', { name: 'b', address: 'a.service.consul' });
    expect((await askUdp(port, question('a.service.consul', 'A'))).length).toBeGreaterThan(12);
    await service('n2', '10.0.0.2', { name: 'own', address: 'own.service.consul' });
    expect(names(await askUdp(port, question('own.service.consul', 'A')))).toEqual(['10.0.0.2']);
  });

  it('to a reverse question follows the catalog', async () => {
    const { port, store, node, service } = await open();
    const ask = async () => names(await askUdp(port, question('5.0.0.10.in-addr.arpa', 'PTR')));
    expect(await ask()).toEqual([]);
    await service('n1', '10.0.0.1', { name: 'web', address: '10.0.0.5' });
    expect(await ask()).toEqual(['web.service.dc1.consul']);
    await node('n5', '10.0.0.5');
    expect(await ask()).toEqual(['n5.node.dc1.consul']);
    await store.write((tx) => deregisterNode(tx, 'n5'));
    expect(await ask()).toEqual(['web.service.dc1.consul']);
    await store.write((tx) => deregisterService(tx, 'n1', 'web'));
    expect(await ask()).toEqual([]);
  });

  it('has the instances in an order that the randomness decides', async () => {
    const rolls = [0, 0, 0, 0.99, 0.99, 0];
    const { port, service } = await open({ random: () => rolls.shift() ?? 0 });
    for (const i of [1, 2, 3]) await service(`n${i}`, `10.0.0.${i}`, { name: 'web' });
    const ask = async () => names(await askUdp(port, question('web.service.consul', 'A')));
    expect(await ask()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(await ask()).toEqual(['10.0.0.3', '10.0.0.1', '10.0.0.2']);
  });

  it('gives every instance the same share of first places', async () => {
    const { port, service } = await open({ options: { udpAnswerLimit: 1 } });
    const counts = new Map<unknown, number>();
    for (let i = 0; i < 4; i++) await service(`n${i}`, `10.0.0.${i}`, { name: 'web' });
    for (let i = 0; i < 400; i++) {
      const [first] = names(await askUdp(port, question('web.service.consul', 'A')));
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    // 100 each; less than 50 or more than 150 happens once in ten million runs.
    expect([...counts.values()].every((count) => count > 50 && count < 150)).toBe(true);
    expect(counts.size).toBe(4);
  });

  it('keeps within the size asked for, and is understood, whatever there is', async () => {
    const { port, service, node } = await open();
    await node('fat', '10.0.0.1', { a: 'x'.repeat(300), b: 'y'.repeat(200) });
    for (let i = 0; i < 70; i++)
      await service(i === 0 ? 'fat' : `n${i}`, i === 0 ? '10.0.0.1' : `10.0.1.${i}`, {
        name: 'web',
        port: i,
        ...(i % 7 === 3 ? { address: 'elsewhere.example.org' } : {}),
        ...(i % 7 === 5 ? { address: `2001:db8::${i}` } : {}),
      });
    const types = ['A', 'AAAA', 'SRV', 'ANY', 'TXT', 'SOA', 'NS'] as const;
    for (const name of ['web.service.consul', 'fat.node.consul', 'consul'])
      for (const type of types)
        for (const edns of [undefined, 512, 700, 1232, 4096]) {
          const answer = await askUdp(port, question(name, type, edns === undefined ? {} : { edns }));
          expect(answer.length).toBeLessThanOrEqual(Math.max(512, edns ?? 0));
          expect(() => oracle.decode(answer)).not.toThrow();
        }
  });

  it.each([700, 1232, 4096])('with EDNS of %i has as many as that takes, names pointed to', async (edns) => {
    const { port, service } = await open();
    for (let i = 0; i < 100; i++) await service(`node-${i}`, `10.1.0.${i}`, { name: 'web', port: 8000 });
    for (const type of ['A', 'SRV'] as const) {
      const answer = await askUdp(port, question('web.service.consul', type, { edns }));
      const { answers, additionals } = oracle.decode(answer);
      // The record that is left out takes 16 bytes, or 44 with a target of its own and 16 for the address of that.
      const room = type === 'A' ? 16 : 60;
      expect(answers.length === 100 || answer.length > edns - room).toBe(true);
      expect(additionals.length).toBe(type === 'A' ? 1 : answers.length + 1);
    }
  });

  it('over TCP has every instance of a large service, and as many addresses as there is room for', async () => {
    const { port, service } = await open();
    for (let i = 0; i < 1300; i++)
      await service(`node-${i}`, `10.1.${i >> 8}.${i & 255}`, { name: 'big', port: 8000 });
    const [answer] = await askTcp(port, [framed(question('big.service.consul', 'SRV'))], 1);
    const { answers, additionals } = oracle.decode(answer as Buffer);
    expect(new Set(answers.map(({ data }) => (data as { target: string }).target)).size).toBe(1300);
    expect(additionals.length).toBeGreaterThan(0);
    for (const { name } of additionals) expect(name).toMatch(/^node-\d+\.node\.dc1\.consul$/);
  });

  it('to an SRV question points from each target to its own address', async () => {
    const { port, service } = await open();
    for (let i = 1; i < 60; i++) await service(`n${i}`, `10.0.0.${i}`, { name: 'web', port: i });
    for (const answer of [
      await askUdp(port, question('web.service.consul', 'SRV', { edns: 4096 })),
      ...(await askTcp(port, [framed(question('web.service.consul', 'SRV'))], 1)),
    ]) {
      const { answers, additionals } = oracle.decode(answer);
      const addresses = new Map(additionals.map(({ name, data }) => [name, data]));
      for (const { data } of answers) {
        const { port: number, target } = data as { port: number; target: string };
        expect(addresses.get(target)).toBe(`10.0.0.${number}`);
      }
    }
  });
});

describe('TCP', () => {
  it('takes many questions on one connection, however they are cut', async () => {
    const { port, service } = await open();
    await service('n1', '10.0.0.1', { name: 'web' });
    const stream = Buffer.concat(
      Array.from({ length: 50 }, (_, id) => framed(question('web.service.consul', 'A', { id }))),
    );
    const whole = await askTcp(port, [stream], 50);
    const pieces = Array.from({ length: Math.ceil(stream.length / 7) }, (_, i) =>
      stream.subarray(i * 7, i * 7 + 7),
    );
    const cut = await askTcp(port, pieces, 50);
    for (const answers of [whole, cut])
      expect(answers.map((answer) => answer.readUInt16BE(0))).toEqual(
        Array.from({ length: 50 }, (_, id) => id),
      );
  });

  it('loses no answer for a reader that is slow', async () => {
    const { port, service } = await open();
    for (let i = 0; i < 200; i++) await service(`n${i}`, `10.0.1.${i}`, { name: 'web', port: i });
    const stream = Buffer.concat(
      Array.from({ length: 400 }, (_, id) => framed(question('web.service.consul', 'SRV', { id }))),
    );
    const answers = await askTcp(port, [stream], 400);
    expect(answers.map((answer) => answer.readUInt16BE(0))).toEqual(
      Array.from({ length: 400 }, (_, id) => id),
    );
  });

  it('closes on what cannot be a question', async () => {
    const { port } = await open();
    expect(await askTcp(port, [Buffer.from([0, 3, 1, 2, 3])], 1)).toEqual([]);
    expect(await askTcp(port, [Buffer.from([0xff, 0xff, 1, 2, 3])], 1)).toEqual([]);
  });

  it('closes connections that have been silent for too long, and those alone', async () => {
    const clock = new ManualClock();
    const { port } = await open({ clock, tcp: { idleTimeout: 1_000 } });
    const silent = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => silent.once('close', resolve));
    await new Promise((resolve) => silent.once('connect', resolve));
    // An answer to a later connection shows that the server has the earlier one.
    await askTcp(port, [framed(question('x.node.consul', 'A'))], 1);
    clock.advance(900);
    const [answer] = await askTcp(port, [framed(question('x.node.consul', 'A'))], 1);
    expect(answer).toBeDefined();
    clock.advance(400);
    await closed;
  });

  it('turns away connections above its limit', async () => {
    const { port } = await open({ tcp: { maxConnections: 1 } });
    const first = connect(port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    expect(await askTcp(port, [framed(question('x.node.consul', 'A'))], 1).catch(() => [])).toEqual([]);
    first.write(framed(question('x.node.consul', 'A')));
    await new Promise((resolve) => first.once('data', resolve));
    first.destroy();
  });
});

describe('the server', () => {
  it('says BADVERS to a question with a newer version of EDNS', async () => {
    const { port, service } = await open();
    await service('n1', '10.0.0.1', { name: 'web' });
    const packet = question('web.service.consul', 'A', { edns: 1232 });
    packet[packet.length - 5] = 1;
    expect(oracle.decode(await askUdp(port, packet))).toMatchObject({
      id: 1,
      rcode: 'NOERROR',
      questions: [{ name: 'web.service.consul' }],
      answers: [],
      additionals: [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }],
    });
  });

  it('answers after any rubbish', async () => {
    const { port, service } = await open();
    await service('n1', '10.0.0.1', { name: 'web' });
    const rubbish = fc.sample(fc.uint8Array({ maxLength: 200 }), 300);
    const socket = createSocket('udp4');
    for (const bytes of rubbish) socket.send(bytes, port, '127.0.0.1');
    for (const bytes of rubbish.slice(0, 20))
      await sendTcp(port, Buffer.concat([Buffer.from([0, 12]), bytes]));
    socket.close();
    expect(names(await askUdp(port, question('web.service.consul', 'A')))).toEqual(['10.0.0.1']);
  });

  it('says which port is taken and what to do', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const { store } = await open();
    const node = { name: 'self', address: '127.0.0.1' };
    await expect(startDns({ catalog: store.catalog, port, node })).rejects.toMatchObject({
      code: 'listen.in_use',
      message: expect.stringContaining(`127.0.0.1:${port} for DNS`),
    });
    await new Promise((resolve) => holder.close(resolve));
    const dns = await startDns({ catalog: store.catalog, port, node });
    expect(dns.address).toBe(`127.0.0.1:${port}`);
    await Promise.all([dns.stop(), dns.stop()]);
  });

  it('refuses a domain that is none', async () => {
    const { store } = await open();
    const node = { name: 'self', address: '127.0.0.1' };
    await expect(startDns({ catalog: store.catalog, port: 0, node, domain: 'a..b' })).rejects.toMatchObject({
      code: 'config.invalid',
    });
  });
});

it('of a catalog that is not there yet says nothing, with the question, and goes on asking others', async () => {
  const upstream = await nameServer(knowing('192.0.2.9'));
  let isReadable = false;
  const { ask } = await open({
    isReadable: () => isReadable,
    options: { recursors: [upstream] },
  });
  const name = 'self.node.consul';
  // Who gets an answer without the question takes it for somebody else's, and waits.
  expect(await ask(name, 'A')).toMatchObject({ rcode: 'SERVFAIL', questions: [{ name }], answers: [] });
  expect(await ask('www.example.com', 'A')).toMatchObject({ answers: [{ data: '192.0.2.9' }] });
  expect(await ask('9.2.0.192.in-addr.arpa', 'PTR')).toMatchObject({ rcode: 'NOERROR' });
  expect(upstream.asked.map((asked) => asked.split(' ')[1])).toEqual([
    'www.example.com',
    '9.2.0.192.in-addr.arpa',
  ]);
  isReadable = true;
  expect(await ask(name, 'A')).toMatchObject({ rcode: 'NOERROR', answers: [{ data: '127.0.0.1' }] });
});
