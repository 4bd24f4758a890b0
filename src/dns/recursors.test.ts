import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import * as oracle from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { isAnswerTo } from '../lib/dns/exchange.ts';
import { silentLogger } from '../lib/log.ts';
import {
  addressOf,
  edns,
  failing,
  knowing,
  nameServer,
  questionFor,
  reply,
  silent,
  TRUNCATED,
} from './name-server.test-support.ts';
import { parseRecursor, Recursors, type RecursorsOptions } from './recursors.ts';
import { startWorld, type World } from './world.test-support.ts';

/** For those that are silent; what answers, answers within it on a slow machine too. */
const SHORT = 500;
/** For those that answer. */
const LONG = 30_000;
function recursors(servers: readonly { host: string; port: number }[], more: Partial<RecursorsOptions> = {}) {
  const made = new Recursors({
    servers,
    timeout: LONG,
    strategy: 'sequential',
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    ...more,
  });
  onTestFinished(() => made.stop());
  return made;
}
const answersIn = (answer: Buffer | undefined) =>
  answer === undefined ? undefined : oracle.decode(answer).answers?.map((one) => 'data' in one && one.data);

describe('the address of a recursor', () => {
  it.each([
    ['10.0.0.1', { host: '10.0.0.1', port: 53 }],
    ['10.0.0.1:5353', { host: '10.0.0.1', port: 5353 }],
    ['::1', { host: '::1', port: 53 }],
    ['[::1]', { host: '::1', port: 53 }],
    ['[::1]:5353', { host: '::1', port: 5353 }],
    ['dns.example', undefined],
    ['10.0.0.1:0', undefined],
    ['[10.0.0.1]', undefined],
    ['', undefined],
  ])('%s', (text, server) => expect(parseRecursor(text)).toEqual(server));
});

describe('an answer is believed', () => {
  const question = questionFor('www.example.com');
  const answer = oracle.encode(reply(oracle.decode(question), { answers: [addressOf('www.example.com')] }));
  it('when number, kind and question fit, in whatever case', () => {
    expect(isAnswerTo(question, answer)).toBe(true);
    expect(isAnswerTo(questionFor('wWw.eXample.COM'), answer)).toBe(true);
  });
  it.each([
    ['another number', questionFor('www.example.com', { id: 78 })],
    ['another name', questionFor('www.example.org')],
    ['a longer name', questionFor('www.example.com.au')],
    ['another type', questionFor('www.example.com', {}, 'AAAA')],
  ])('not with %s', (_, other) => expect(isAnswerTo(other, answer)).toBe(false));
  it('not when it is a question itself', () => expect(isAnswerTo(question, question)).toBe(false));
  it('and reading it never fails, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(40), (bytes, cutAt) => {
        isAnswerTo(question, Buffer.from(bytes));
        expect(isAnswerTo(question, answer.subarray(0, Math.min(cutAt, question.length - 1)))).toBe(false);
      }),
    );
  });
});

describe('recursors', () => {
  it('are asked one after another: when one is silent, refuses, fails or is not there', async () => {
    const gone = await nameServer(silent);
    const servers = [
      await nameServer(silent),
      await nameServer(failing(2)),
      await nameServer(failing(5)),
      // A header alone: it did not understand.
      await nameServer((_question, _tcp, raw) => {
        const header = Buffer.alloc(12);
        raw.copy(header, 0, 0, 2);
        header.writeUInt16BE(0x8001, 2);
        return header;
      }),
      await nameServer(knowing()),
      gone,
    ];
    const asked = recursors(servers, { timeout: SHORT });
    expect(answersIn(await asked.ask(questionFor('a.example')))).toEqual(['192.0.2.1']);
    expect(servers.map((server) => server.asked.length)).toEqual([1, 1, 1, 1, 1, 0]);
  });

  it('say that a name is not there: nobody else is asked', async () => {
    const [first, second] = [await nameServer(failing(3)), await nameServer(knowing())];
    const answer = await recursors([first, second]).ask(questionFor('a.example'));
    expect(answer && oracle.decode(answer)).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(second.asked).toEqual([]);
  });

  it('are asked in any order when told so', async () => {
    const servers = [await nameServer(knowing('192.0.2.1')), await nameServer(knowing('192.0.2.2'))];
    const numbers = [0, 0.99];
    const asked = recursors(servers, { strategy: 'random', random: () => numbers.shift() ?? 0 });
    expect(answersIn(await asked.ask(questionFor('a.example')))).toEqual(['192.0.2.2']);
    expect(answersIn(await asked.ask(questionFor('b.example')))).toEqual(['192.0.2.1']);
  });

  it('get every question under another number and from another port', async () => {
    const server = await nameServer(knowing());
    const asked = recursors([server]);
    await Promise.all(Array.from({ length: 40 }, (_, i) => asked.ask(questionFor(`n${i}.example`))));
    // By chance two of 40 may have the same.
    expect(server.ids.size).toBeGreaterThan(35);
    expect(server.ports.size).toBeGreaterThan(35);
    expect(server.ids.has(77) && server.ids.size === 1).toBe(false);
  });

  it('are not believed when they answer something else; the true answer is waited for', async () => {
    const server = await nameServer((question) => [
      {
        ...reply(question, { answers: [addressOf('a.example', '6.6.6.6')] }),
        id: ((question.id ?? 0) + 1) % 65_536,
      },
      reply(question, {
        questions: [{ type: 'A', name: 'b.example' }],
        answers: [addressOf('b.example', '6.6.6.6')],
      }),
      Buffer.from('short'),
      reply(question, { answers: [addressOf('a.example')] }),
    ]);
    const asked = recursors([server]);
    expect(answersIn(await asked.ask(questionFor('a.example')))).toEqual(['192.0.2.1']);
  });

  it('are asked again over TCP when the answer was cut', async () => {
    const server = await nameServer((question, tcp) => {
      const all = Array.from({ length: 100 }, (_, i) => addressOf('a.example', `192.0.2.${i}`));
      return tcp ? reply(question, { answers: all }) : reply(question, { flags: TRUNCATED });
    });
    const asked = recursors([server]);
    expect(answersIn(await asked.ask(questionFor('a.example')))).toHaveLength(100);
    expect(server.asked).toEqual(['udp a.example', 'tcp a.example']);
  });

  it('are asked once for like questions at a time, and for no more than the limit', async () => {
    const server = await nameServer(silent);
    const asked = recursors([server], { maxOutstanding: 2, timeout: SHORT });
    const same = [questionFor('a.example', { id: 1 }), questionFor('a.example', { id: 2 })].map((one) =>
      asked.ask(one),
    );
    const other = asked.ask(questionFor('b.example'));
    expect(asked.outstanding).toBe(2);
    expect(await asked.ask(questionFor('c.example'))).toBeUndefined();
    expect(await Promise.all([...same, other])).toEqual([undefined, undefined, undefined]);
    expect(server.asked.sort()).toEqual(['udp a.example', 'udp b.example']);
    expect(asked.outstanding).toBe(0);
  });

  it('that are stopped give up at once', async () => {
    const server = await nameServer(silent);
    const asked = recursors([server], { timeout: 3_600_000 });
    const waiting = asked.ask(questionFor('a.example'));
    asked.stop();
    expect(await waiting).toBeUndefined();
    expect(await asked.ask(questionFor('b.example'))).toBeUndefined();
  });
});

async function world(servers: readonly { host: string; port: number }[], options = {}): Promise<World> {
  const made = await startWorld({ options: { recursors: servers, recursorTimeout: LONG, ...options } });
  onTestFinished(() => made.stop());
  return made;
}

/** Asks over UDP. */
async function ask(port: number, packet: Buffer): Promise<oracle.Decoded> {
  const socket = createSocket('udp4');
  try {
    const raw = await new Promise<Buffer>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('message', resolve);
      socket.send(packet, port, '127.0.0.1');
    });
    return oracle.decode(raw);
  } finally {
    socket.close();
  }
}
/** Sends all questions at once on one connection, and reads as many answers. */
async function askOverTcp(port: number, packets: readonly Buffer[]): Promise<oracle.Decoded[]> {
  const socket = connect(port, '127.0.0.1');
  for (const packet of packets) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    socket.write(Buffer.concat([length, packet]));
  }
  const answers: oracle.Decoded[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (; rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0); ) {
      answers.push(oracle.decode(rest.subarray(2, 2 + rest.readUInt16BE(0))));
      rest = rest.subarray(2 + rest.readUInt16BE(0));
    }
    if (answers.length === packets.length) break;
  }
  return answers;
}
const dataIn = (answer: oracle.Packet) =>
  answer.answers?.map((one) => [one.name, one.type, 'data' in one && one.data]);

describe('a server with recursors', () => {
  it('carries other names to them, with number and spelling of the asker', async () => {
    let payload: unknown;
    const server = await nameServer((question) => {
      payload = question.additionals;
      const lowered = (question.questions ?? []).map((one) => ({ ...one, name: one.name.toLowerCase() }));
      return reply(question, { questions: lowered, answers: [addressOf('www.example')] });
    });
    const { port } = await world([server]);
    const answer = await ask(port, questionFor('wWw.eXample', { additionals: edns(1400) }));
    expect(answer).toMatchObject({ id: 77, rcode: 'NOERROR', flag_ra: true, flag_aa: false });
    expect(answer.questions?.[0]?.name).toBe('wWw.eXample');
    expect(dataIn(answer)).toEqual([['wWw.eXample', 'A', '192.0.2.1']]);
    // What came with the question is the asker's: others are told what we take.
    expect(payload).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
    expect(answer.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  });

  it('answers its own names itself, and says that it recurses', async () => {
    const server = await nameServer(knowing());
    const { port, service } = await world([server]);
    await service('n1', '10.0.0.1', { name: 'web' });
    const answer = await ask(port, questionFor('web.service.consul'));
    expect(answer).toMatchObject({ flag_ra: true, flag_aa: true });
    expect(dataIn(answer)).toEqual([['web.service.consul', 'A', '10.0.0.1']]);
    expect(await ask(port, questionFor('nothing.service.consul'))).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(server.asked).toEqual([]);
  });

  it('answers SERVFAIL when none of them can', async () => {
    const { port } = await world([await nameServer(failing(5))]);
    const answer = await ask(port, questionFor('www.example'));
    expect(answer).toMatchObject({ rcode: 'SERVFAIL', flag_ra: true });
    expect(answer.questions).toHaveLength(1);
  });

  it('cuts what the asker cannot take', async () => {
    const many = Array.from({ length: 100 }, (_, i) => addressOf('a.example', `192.0.2.${i}`));
    const server = await nameServer((question, tcp) =>
      tcp ? reply(question, { answers: many }) : reply(question, { flags: TRUNCATED }),
    );
    const { port } = await world([server]);
    const cut = await ask(port, questionFor('a.example'));
    expect(cut).toMatchObject({ flag_tc: true, rcode: 'NOERROR', answers: [] });
    const whole = await ask(port, questionFor('a.example', { additionals: edns(4096) }));
    expect(whole).toMatchObject({ flag_tc: false });
    expect(whole.answers).toHaveLength(100);
  });

  it('asks them for addresses that it does not know', async () => {
    const name = (question: oracle.Packet) => question.questions?.[0]?.name ?? '';
    const server = await nameServer((question) =>
      reply(question, { answers: [{ type: 'PTR', name: name(question), ttl: 5, data: 'far.example' }] }),
    );
    const { port, node } = await world([server]);
    await node('near', '10.0.0.7');
    const near = await ask(port, questionFor('7.0.0.10.in-addr.arpa', {}, 'PTR'));
    expect(dataIn(near)?.[0]?.[2]).toBe('near.node.dc1.consul');
    const far = await ask(port, questionFor('8.0.0.10.in-addr.arpa', {}, 'PTR'));
    expect(dataIn(far)?.[0]?.[2]).toBe('far.example');
  });

  it('finds out what host names in the catalog stand for, along their aliases', async () => {
    const server = await nameServer((question) =>
      reply(question, {
        answers: [
          { type: 'CNAME', name: 'shop.example', ttl: 60, data: 'cdn.example' },
          addressOf('cdn.example', '192.0.2.9'),
          addressOf('stranger.example', '6.6.6.6'),
        ],
      }),
    );
    const { port, service, node } = await world([server], { serviceTtl: { shop: 30_000 } });
    await service('n1', '10.0.0.1', { name: 'shop', port: 80, address: 'shop.example' });
    await node('far', 'shop.example');
    const answer = await ask(port, questionFor('shop.service.consul'));
    expect(answer).toMatchObject({ rcode: 'NOERROR', flag_ra: true });
    expect(answer.answers).toMatchObject([
      { name: 'shop.service.consul', type: 'CNAME', ttl: 30, data: 'shop.example' },
      { name: 'shop.example', type: 'CNAME', ttl: 30, data: 'cdn.example' },
      { name: 'cdn.example', type: 'A', ttl: 30, data: '192.0.2.9' },
    ]);
    const srv = await ask(port, questionFor('shop.service.consul', {}, 'SRV'));
    expect(srv.answers).toMatchObject([{ data: { target: 'shop.example', port: 80 } }]);
    expect(srv.additionals).toMatchObject([
      { name: 'shop.example' },
      { name: 'cdn.example', data: '192.0.2.9' },
    ]);
    expect(dataIn(await ask(port, questionFor('far.node.consul')))).toHaveLength(3);
  });

  it('names the host alone when nobody knows what it stands for', async () => {
    const { port, service } = await world([await nameServer(failing(2))]);
    await service('n1', '10.0.0.1', { name: 'shop', address: 'shop.example' });
    expect(dataIn(await ask(port, questionFor('shop.service.consul')))).toEqual([
      ['shop.service.consul', 'CNAME', 'shop.example'],
    ]);
  });

  it('asks another Muster as it asks any other, over TCP too', async () => {
    const far = await startWorld({ domain: 'far' });
    onTestFinished(() => far.stop());
    const { port } = await world([{ host: '127.0.0.1', port: far.port }]);
    await far.service('n1', '10.0.0.1', { name: 'web' });
    expect(dataIn(await ask(port, questionFor('web.service.far')))).toEqual([
      ['web.service.far', 'A', '10.0.0.1'],
    ]);
    expect(await ask(port, questionFor('nothing.service.far'))).toMatchObject({ rcode: 'NXDOMAIN' });
    const packet = questionFor('web.service.far');
    const answers = await askOverTcp(port, [packet, questionFor('web.service.consul', { id: 78 }), packet]);
    expect(answers.map(({ id, rcode }) => [id, rcode]).sort()).toEqual([
      [77, 'NOERROR'],
      [77, 'NOERROR'],
      [78, 'NXDOMAIN'],
    ]);
  });

  it('that is its own recursor asks itself once and gives up', async () => {
    // A port that was free a moment ago.
    const before = await startWorld();
    const { port } = before;
    await before.stop();
    const self = await startWorld({
      port,
      options: { recursors: [{ host: '127.0.0.1', port }], recursorTimeout: SHORT },
    });
    onTestFinished(() => self.stop());
    expect(await ask(port, questionFor('www.example'))).toMatchObject({ rcode: 'SERVFAIL' });
  });
});

describe('without recursors', () => {
  it('other names are refused and recursion is not offered', async () => {
    const { port } = await world([]);
    expect(await ask(port, questionFor('www.example'))).toMatchObject({ rcode: 'REFUSED', flag_ra: false });
  });
});
