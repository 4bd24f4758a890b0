import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { becomes } from '../../lib/soon.test-support.ts';
import {
  edns,
  failing,
  knowing,
  nameServer,
  questionFor,
  type Script,
  silent,
} from '../name-server.test-support.ts';
import { ask, data, forwarder, lines, rcode } from './forwarder.test-support.ts';
import { startForwardServer } from './server.ts';

describe('servers', () => {
  it('are chosen by domain, the longest counting; a domain may be of nobody', async () => {
    const [general, corp, deep] = [
      await nameServer(knowing('192.0.2.1')),
      await nameServer(knowing('192.0.2.2')),
      await nameServer(knowing('192.0.2.3')),
    ];
    const { port } = await forwarder({
      servers: [general],
      routes: [
        { domain: 'corp', route: [corp] },
        { domain: 'deep.corp', route: [deep] },
        { domain: 'out.corp', route: 'default' },
        { domain: 'lan', route: 'local' },
      ],
    });
    const of = async (name: string) => data(await ask(port, questionFor(name)))[0];
    expect([
      await of('x.example'),
      await of('corp'),
      await of('a.corp'),
      await of('a.deep.corp'),
      await of('b.out.corp'),
    ]).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.3', '192.0.2.1']);
    expect(rcode(await ask(port, questionFor('x.lan')))).toBe('NXDOMAIN');
    const nobody = await forwarder({ routes: [{ domain: 'corp', route: [corp] }] });
    expect(rcode(await ask(nobody.port, questionFor('x.example')))).toBe('REFUSED');
  });

  it('are asked all at once when told so: the quickest good answer counts', async () => {
    const [bad, slow, good] = [
      await nameServer(failing(2)),
      await nameServer(silent),
      await nameServer(knowing('192.0.2.9')),
    ];
    const { port } = await forwarder({ servers: [bad, slow, good], strategy: 'race', timeout: 2000 });
    expect(data(await ask(port, questionFor('a.example')))).toEqual(['192.0.2.9']);
    expect([bad.asked.length, slow.asked.length, good.asked.length]).toEqual([1, 1, 1]);
  });

  it('that are silent come last until they answer again', async () => {
    const clock = new ManualClock(1_000_000);
    let script: Script = silent;
    const first = await nameServer((...all) => script(...all));
    const second = await nameServer(knowing('192.0.2.2'));
    const { port } = await forwarder({ servers: [first, second], timeout: 2000 }, clock);
    for (let i = 0; i < 3; i++) {
      const answer = ask(port, questionFor(`${i}.example`));
      await becomes(() => first.asked.length === i + 1);
      clock.advance(2_000);
      expect(data(await answer)).toEqual(['192.0.2.2']);
    }
    await ask(port, questionFor('4.example'));
    expect(first.asked.filter((name) => name.includes('example'))).toHaveLength(3);
    script = knowing('192.0.2.1');
    clock.advance(1_000);
    await becomes(
      () => first.asked.at(-1) === 'udp .' && lines.some(({ message }) => message.includes('answers again')),
    );
    expect(data(await ask(port, questionFor('5.example')))).toEqual(['192.0.2.1']);
  });

  it('the quickest of late is asked first', async () => {
    const [slow, quick] = [await nameServer(silent), await nameServer(knowing('192.0.2.2'))];
    const server = await startForwardServer({
      listen: [{ host: '127.0.0.1', port: 0 }],
      options: { servers: [slow, quick], strategy: 'fastest', timeout: 500 },
      random: () => 0.99,
    });
    onTestFinished(() => server.stop());
    for (let i = 0; i < 8; i++) await ask(server.port, questionFor(`${i}.example`));
    expect(slow.asked.filter((name) => name.includes('example')).length).toBeLessThanOrEqual(3);
    expect(quick.asked).toHaveLength(8);
  });
});

it('BADVERS is said to a question with a newer version of EDNS, and nobody is asked', async () => {
  const upstream = await nameServer(knowing());
  const { port } = await forwarder({ servers: [upstream] });
  const [opt] = edns(1232);
  const answer = await ask(port, questionFor('a.example', { additionals: [{ ...opt!, ednsVersion: 1 }] }));
  expect(answer).toMatchObject({
    rcode: 'NOERROR',
    questions: [{ name: 'a.example' }],
    answers: [],
    additionals: [{ extendedRcode: 1, ednsVersion: 0 }],
  });
  expect(upstream.asked).toEqual([]);
});
