import type * as oracle from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { becomes } from '../../lib/soon.test-support.ts';
import {
  addressOf,
  edns,
  failing,
  knowing,
  nameServer,
  questionFor,
  reply,
  type Script,
  silent,
} from '../name-server.test-support.ts';
import { ask, askTcp, data, forwarder, nameIn, rcode, soa, ttls } from './forwarder.test-support.ts';

describe('what others said', () => {
  it('is kept for as long as they allow, with what is left of the TTL', async () => {
    const clock = new ManualClock(1_000_000);
    const upstream = await nameServer((question) =>
      reply(question, { answers: [addressOf(nameIn(question), '192.0.2.1', 60)] }),
    );
    const { port } = await forwarder({ servers: [upstream] }, clock);
    const first = await ask(port, questionFor('a.example'));
    expect([data(first), ttls(first)]).toEqual([['192.0.2.1'], [60]]);
    clock.advance(20_000);
    const second = await ask(port, questionFor('A.exaMPLE'));
    expect([second.questions?.[0]?.name, data(second), ttls(second)]).toEqual([
      'A.exaMPLE',
      ['192.0.2.1'],
      [40],
    ]);
    expect(upstream.asked).toEqual(['udp a.example']);
    await ask(port, questionFor('a.example', {}, 'AAAA'));
    expect(upstream.asked).toHaveLength(2);
    clock.advance(40_000);
    expect(ttls(await ask(port, questionFor('a.example')))).toEqual([60]);
    expect(upstream.asked).toHaveLength(3);
  });

  it('is not kept when they say 0, and within our own bounds', async () => {
    const upstream = await nameServer((question) =>
      reply(question, {
        answers: [
          addressOf(nameIn(question), '192.0.2.1', nameIn(question).startsWith('zero') ? 0 : 999_999),
        ],
      }),
    );
    const { port } = await forwarder({ servers: [upstream], maxTtl: 100 });
    for (const _ of [1, 2]) expect(ttls(await ask(port, questionFor('zero.example')))).toEqual([0]);
    expect(upstream.asked).toHaveLength(2);
    expect(ttls(await ask(port, questionFor('long.example')))).toEqual([100]);
    const lasting = await forwarder({ servers: [upstream], minTtl: 30 });
    for (const _ of [1, 2]) expect(ttls(await ask(lasting.port, questionFor('zero.example')))).toEqual([30]);
    expect(upstream.asked).toHaveLength(4);
  });

  it('is kept for "no" as their SOA record allows, and not without one', async () => {
    const clock = new ManualClock(1_000_000);
    const upstream = await nameServer((question) => {
      const name = nameIn(question);
      const flags = name.startsWith('none') ? 0x0183 : 0x0180;
      return reply(question, { flags, authorities: name.includes('bare') ? [] : [soa(30)] });
    });
    const { port } = await forwarder({ servers: [upstream] }, clock);
    for (const [name, code] of [
      ['none.example', 'NXDOMAIN'],
      ['empty.example', 'NOERROR'],
    ] as const) {
      for (const _ of [1, 2]) expect(rcode(await ask(port, questionFor(name)))).toBe(code);
      clock.advance(29_000);
      await ask(port, questionFor(name));
      expect(upstream.asked.splice(0)).toEqual([`udp ${name}`]);
      clock.advance(2_000);
      await ask(port, questionFor(name));
      expect(upstream.asked.splice(0)).toEqual([`udp ${name}`]);
    }
    for (const _ of [1, 2]) await ask(port, questionFor('none.bare.example'));
    expect(upstream.asked).toHaveLength(2);
  });

  it('is kept apart for whoever wants signatures', async () => {
    const upstream = await nameServer(knowing());
    const { port } = await forwarder({ servers: [upstream] });
    const signed = [
      { ...edns(1232)[0], flags: 0x8000, flag_do: true },
    ] as unknown as oracle.Packet['additionals'];
    await ask(port, questionFor('a.example'));
    await ask(port, questionFor('a.example', { additionals: signed as never }));
    expect(upstream.asked).toHaveLength(2);
  });

  it('is bounded: what is not asked for goes first', async () => {
    const upstream = await nameServer(knowing());
    const { port, forwarder: own } = await forwarder({ servers: [upstream], cacheSize: 4 });
    for (const name of ['a', 'b', 'c', 'd']) await ask(port, questionFor(`${name}.example`));
    await ask(port, questionFor('a.example'));
    await ask(port, questionFor('e.example'));
    expect(own.kept).toBe(4);
    upstream.asked.length = 0;
    for (const name of ['a', 'c', 'd', 'e']) await ask(port, questionFor(`${name}.example`));
    expect(upstream.asked).toEqual([]);
    await ask(port, questionFor('b.example'));
    expect(upstream.asked).toEqual(['udp b.example']);
  });

  it('serves on when they are silent, and is taken up again when they answer', async () => {
    const clock = new ManualClock(1_000_000);
    let script: Script = knowing('192.0.2.1');
    const upstream = await nameServer((...all) => script(...all));
    const { port, counts } = await forwarder({ servers: [upstream], timeout: 1000 }, clock);
    await ask(port, questionFor('a.example'));
    clock.advance(61_000);
    script = failing(2);
    const stale = await ask(port, questionFor('a.example'));
    expect([data(stale), ttls(stale)]).toEqual([['192.0.2.1'], [30]]);
    // Not asked for again at once.
    const before = upstream.asked.length;
    await ask(port, questionFor('a.example'));
    expect(upstream.asked).toHaveLength(before);
    script = knowing('192.0.2.2');
    clock.advance(31_000);
    expect(data(await ask(port, questionFor('a.example')))).toEqual(['192.0.2.2']);
    // A day later there is nothing to fall back on.
    script = failing(2);
    clock.advance(2 * 86_400_000);
    expect(rcode(await ask(port, questionFor('a.example')))).toBe('SERVFAIL');
    // The second stale one, and the failure, come out of what is kept.
    expect(counts.forward).toMatchObject({ asked: 2, stale: 2, failed: 1, kept: 0, local: 0 });
  });

  it('is given after 1.8 s when nothing new has come, which is taken later', async () => {
    const clock = new ManualClock(1_000_000);
    let script: Script = knowing('192.0.2.1');
    const upstream = await nameServer((...all) => script(...all));
    const { port } = await forwarder({ servers: [upstream], timeout: 10_000 }, clock);
    await ask(port, questionFor('a.example'));
    clock.advance(61_000);
    script = silent;
    const late = ask(port, questionFor('a.example'));
    await becomes(() => upstream.asked.length === 2);
    clock.advance(1_800);
    expect(data(await late)).toEqual(['192.0.2.1']);
  });

  it('"could not find out" is kept for a second', async () => {
    const clock = new ManualClock(1_000_000);
    const upstream = await nameServer(failing(2));
    const { port } = await forwarder({ servers: [upstream] }, clock);
    for (const _ of [1, 2, 3]) expect(rcode(await ask(port, questionFor('a.example')))).toBe('SERVFAIL');
    expect(upstream.asked).toHaveLength(1);
    clock.advance(1_100);
    await ask(port, questionFor('a.example'));
    expect(upstream.asked).toHaveLength(2);
  });

  it('is asked for again before it runs out, when it is asked for often', async () => {
    const clock = new ManualClock(1_000_000);
    const upstream = await nameServer(knowing());
    const { port } = await forwarder({ servers: [upstream] }, clock);
    for (let i = 0; i < 5; i++) await ask(port, questionFor('a.example'));
    clock.advance(55_000);
    await ask(port, questionFor('a.example'));
    await becomes(() => upstream.asked.length === 2);
    await becomes(async () => (ttls(await ask(port, questionFor('a.example')))[0] ?? 0) > 50);
    expect(upstream.asked).toHaveLength(2);
  });

  it('comes whole over TCP, and says so over UDP when it does not fit', async () => {
    const upstream = await nameServer((question) =>
      reply(question, {
        answers: Array.from({ length: 60 }, (_, i) => addressOf(nameIn(question), `192.0.2.${i + 1}`)),
      }),
    );
    const { port } = await forwarder({ servers: [upstream] });
    const cut = await ask(port, questionFor('a.example'));
    expect([(cut as unknown as { flag_tc: boolean }).flag_tc, data(cut)]).toEqual([true, []]);
    expect(data(await askTcp(port, questionFor('a.example')))).toHaveLength(60);
    expect(data(await ask(port, questionFor('a.example', { additionals: edns(4096) })))).toHaveLength(60);
    expect(upstream.asked).toEqual(['udp a.example']);
  });

  it('follows aliases, and drops what is not on the way', async () => {
    const upstream = await nameServer((question) =>
      reply(question, {
        answers: [
          { type: 'A', name: 'bank.example', ttl: 60, data: '203.0.113.66' },
          { type: 'CNAME', name: 'b.example', ttl: 60, data: 'c.example' },
          { type: 'CNAME', name: nameIn(question), ttl: 60, data: 'B.example' },
          addressOf('c.example', '192.0.2.3'),
        ],
        additionals: [],
      }),
    );
    const { port } = await forwarder({ servers: [upstream] });
    for (const _ of [1, 2])
      expect(data(await ask(port, questionFor('a.example')))).toEqual([
        'c.example',
        'B.example',
        '192.0.2.3',
      ]);
    upstream.asked.length = 0;
    await ask(port, questionFor('bank.example'));
    expect(upstream.asked).toEqual(['udp bank.example']);
  });
});
