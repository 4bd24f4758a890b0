import * as oracle from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../lib/dns/message.ts';
import {
  addressOf,
  edns,
  knowing,
  nameServer,
  questionFor,
  reply,
  type Script,
  silent,
} from '../name-server.test-support.ts';
import {
  ask,
  askRaw,
  data,
  forwarder,
  lines,
  nameIn,
  rcode,
  soa,
  spelledIn,
} from './forwarder.test-support.ts';

describe('answers that cannot be trusted', () => {
  it('must repeat the case of the question: anybody could make up the rest', async () => {
    let seen = '';
    let forged = 0;
    const upstream = await nameServer((question, tcp) => {
      seen = spelledIn(question);
      if (tcp) return reply(question, { answers: [addressOf(nameIn(question), '192.0.2.1')] });
      forged++;
      const guessed = (question.questions ?? []).map((one) => ({ ...one, name: one.name.toLowerCase() }));
      return reply(question, {
        questions: guessed,
        answers: [addressOf('xxxxxxxxxxxxxxxxxxxxxxxx.example', '203.0.113.66')],
      });
    });
    const { port } = await forwarder({ servers: [upstream] });
    expect(data(await ask(port, questionFor('xxxxxxxxxxxxxxxxxxxxxxxx.example')))).toEqual(['192.0.2.1']);
    expect([forged, seen.toLowerCase()]).toEqual([1, 'xxxxxxxxxxxxxxxxxxxxxxxx.example']);
    expect(seen).not.toBe(seen.toLowerCase());
  });

  it('hand nothing of that case on, in what is above the name either', async () => {
    const upstream = await nameServer((question) => {
      const above = spelledIn(question).split('.').slice(1).join('.');
      const { data, ...start } = soa(30);
      return reply(question, {
        flags: 0x0183,
        authorities: [
          { ...start, name: above, data: { ...data, mname: `ns.${above}`, rname: `x.${above}` } },
        ],
      });
    });
    const { port } = await forwarder({ servers: [upstream] });
    const answer = await ask(port, questionFor('www.abcdefghijklmnopqrstuvwxyz.example'));
    const above = 'abcdefghijklmnopqrstuvwxyz.example';
    expect(answer.authorities).toMatchObject([
      { name: above, data: { mname: `ns.${above}`, rname: `x.${above}`, minimum: 30 } },
    ]);
  });

  it('of servers that do not keep the case are taken over TCP, later as they are', async () => {
    const upstream = await nameServer((question) => {
      const lowered = (question.questions ?? []).map((one) => ({ ...one, name: one.name.toLowerCase() }));
      return reply(question, {
        questions: lowered,
        answers: [addressOf(nameIn(question), '192.0.2.1')],
      });
    });
    const { port } = await forwarder({ servers: [upstream] });
    for (let i = 0; i < 5; i++)
      expect(data(await ask(port, questionFor(`abcdefghijklmnop${i}.example`)))).toEqual(['192.0.2.1']);
    expect(upstream.asked.filter((one) => one.startsWith('tcp'))).toHaveLength(3);
  });

  it('may not lead to private addresses when that is forbidden, but where it is allowed', async () => {
    const upstream = await nameServer((question) =>
      reply(question, {
        answers: [
          addressOf(nameIn(question), nameIn(question).startsWith('ok') ? '192.0.2.1' : '192.168.1.1'),
        ],
      }),
    );
    const { port } = await forwarder({ servers: [upstream], rebindProtection: true, rebindOk: ['corp'] });
    expect(rcode(await ask(port, questionFor('evil.example')))).toBe('REFUSED');
    expect(data(await ask(port, questionFor('ok.example')))).toEqual(['192.0.2.1']);
    expect(data(await ask(port, questionFor('intra.corp')))).toEqual(['192.168.1.1']);
    expect(
      lines.some(({ fields }) => fields.name === 'evil.example' && fields.address === '192.168.1.1'),
    ).toBe(true);
  });

  it('are dropped when they are malformed; the next server is asked', async () => {
    const bad: Script = (question) => {
      const whole = oracle.encode(reply(question, { answers: [addressOf(nameIn(question))] }));
      return whole.subarray(0, whole.length - 2);
    };
    const [liar, honest] = [await nameServer(bad), await nameServer(knowing('192.0.2.2'))];
    const { port } = await forwarder({ servers: [liar, honest], timeout: 1000 });
    expect(data(await ask(port, questionFor('a.example')))).toEqual(['192.0.2.2']);
  });

  it('do no harm whatever their bytes: the forwarder answers, and answers well again', async () => {
    let mutate: (bytes: Buffer) => Buffer = (bytes) => bytes;
    const upstream = await nameServer((question) => {
      const name = nameIn(question);
      const whole = oracle.encode(
        reply(question, {
          answers: [
            { type: 'CNAME', name, ttl: 60, data: 'b.example' },
            { type: 'MX', name: 'b.example', ttl: 60, data: { preference: 1, exchange: 'c.b.example' } },
            addressOf('b.example'),
            { type: 'TXT', name: 'b.example', ttl: 60, data: 'text' },
          ],
          authorities: [soa(30)],
          additionals: edns(1232),
        }),
      );
      return mutate(whole);
    });
    const { port } = await forwarder({ servers: [upstream], timeout: 20, perClient: 1000 });
    let round = 0;
    const change = fc.oneof(
      fc.record({ at: fc.nat(200), byte: fc.nat(255) }).map(({ at, byte }) => (bytes: Buffer) => {
        // Number, flags and question are as they should be: what follows is the attacker's.
        const copy = Buffer.from(bytes);
        const place = 12 + ((at + 20) % Math.max(1, copy.length - 12));
        if (place < copy.length) copy[place] = byte;
        return copy;
      }),
      fc.nat(200).map((length) => (bytes: Buffer) => bytes.subarray(0, Math.max(0, bytes.length - length))),
      fc.uint8Array({ maxLength: 300 }).map((more) => (bytes: Buffer) => Buffer.concat([bytes, more])),
      fc.tuple(fc.constantFrom(4, 6, 8, 10), fc.nat(65_535)).map(([at, count]) => (bytes: Buffer) => {
        const copy = Buffer.from(bytes);
        if (copy.length >= 12) copy.writeUInt16BE(count, at);
        return copy;
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        mutate = (bytes) => changes.reduce((soFar, one) => one(soFar), bytes);
        const answer = await askRaw(port, questionFor(`f${round++}.example`, { additionals: edns(1232) }));
        // What is handed on can be read by the strictest.
        expect([0, 2, 3]).toContain(decodeMessage(answer).flags & 15);
      }),
      { numRuns: 150 },
    );
    mutate = (bytes) => bytes;
    // On a busy machine the server may be too late for the forwarder's 20 ms, now and then.
    for (let n = 0; rcode(await ask(port, questionFor(`good${n}.example`))) !== 'NOERROR'; n++);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  }, 60_000);
});

describe('one client', () => {
  it('may not make all the others wait', async () => {
    const upstream = await nameServer(silent);
    const { forwarder: own } = await forwarder({ servers: [upstream], perClient: 2, timeout: 200 });
    const { emptyQuery, readQuery } = await import('../../lib/dns/query.ts');
    const from = (asker: string, name: string) => {
      const packet = questionFor(name);
      const query = emptyQuery();
      readQuery(packet, query);
      query.asker = asker;
      return own.answer(packet, query, 512);
    };
    const late = ['a', 'b', 'c'].map((name) => Promise.resolve(from('10.0.0.1', `${name}.example`)));
    const other = Promise.resolve(from('10.0.0.2', 'd.example'));
    const codes = (await Promise.all([...late, other])).map((answer) => (answer[3] ?? 0) & 15);
    expect(codes).toEqual([2, 2, 5, 2]);
  });
});
