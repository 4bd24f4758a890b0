import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeMessage, encodeMessage, joinLabels, type WireRecord } from '../lib/dns/message.ts';
import { FLAG, RCODE, TYPE } from '../lib/dns/numbers.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { common, follow } from './poll.test-support.ts';
import { followSrv } from './srv.ts';

describe('srv', () => {
  const labels = (name: string) => name.split('.').map((label) => Buffer.from(label));
  const srv = (target: string, port: number): WireRecord => {
    const fixed = Buffer.alloc(6);
    fixed.writeUInt16BE(2, 0);
    fixed.writeUInt16BE(7, 2);
    fixed.writeUInt16BE(port, 4);
    const rdata = Buffer.concat([fixed, joinLabels(labels(target))]);
    return { name: labels('web.test'), type: TYPE.SRV, class: 1, ttl: 0, rdata };
  };
  const a = (name: string, rdata: number[]): WireRecord => ({
    name: labels(name),
    type: rdata.length === 4 ? TYPE.A : TYPE.AAAA,
    class: 1,
    ttl: 0,
    rdata: Buffer.from(rdata),
  });
  interface Zone {
    answers: WireRecord[];
    additional: WireRecord[];
    /** By name and type, "n2.test 28". */
    addresses: Record<string, WireRecord>;
    rcode: number;
    /** Names that the server cannot answer for. */
    broken: string[];
  }

  async function nameServer(zone: Zone) {
    const asked: string[] = [];
    const server = createSocket('udp4');
    server.on('message', (packet, from) => {
      const { id, questions } = decodeMessage(packet);
      const { name, type } = questions[0]!;
      const question = `${name.join('.')} ${type}`;
      asked.push(question);
      const address = zone.addresses[question];
      const rcode = zone.broken.includes(name.join('.')) ? RCODE.SERVFAIL : zone.rcode;
      const message = {
        id,
        flags: FLAG.QR | rcode,
        questions,
        answers: type === TYPE.SRV ? zone.answers : address === undefined ? [] : [address],
        authority: [],
        additional: type === TYPE.SRV ? zone.additional : [],
      };
      server.send(encodeMessage(message), from.port, from.address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const place = { host: '127.0.0.1', port: server.address().port };
    const said: string[] = [];
    const sink = ({ message, fields }: LogLine) => said.push(`${message}: ${fields.target} ${fields.before}`);
    const log = createLogger({ level: 'warn', sink });
    const watched = follow((listener) =>
      followSrv({ ...common, log, server: place, name: 'web.test.', protocol: 'udp' }, listener),
    );
    const more = async (questions: number) => {
      const before = asked.length;
      while (asked.length < before + questions) await new Promise((resolve) => setImmediate(resolve));
    };
    return { ...watched, asked, more, said };
  }

  it('takes addresses that come along, asks for others, and keeps the list when the server fails', async () => {
    const zone: Zone = {
      answers: [srv('N1.test', 1), srv('n2.test', 2), srv('nowhere.test', 3)],
      additional: [a('n1.test', [127, 0, 0, 1])],
      addresses: { [`n2.test ${TYPE.AAAA}`]: a('n2.test', [...new Array(15).fill(0), 1]) },
      rcode: 0,
      broken: [],
    };
    const { next, discovery, asked, more } = await nameServer(zone);
    expect(await next()).toEqual([1, 2]);
    expect([...discovery.instances()]).toMatchObject([
      { host: '127.0.0.1', port: 1, weight: 7, priority: 2, serverName: 'n1.test' },
      { host: '::1', port: 2, serverName: 'n2.test' },
    ]);
    expect(asked).toContain(`nowhere.test ${TYPE.A}`);
    zone.rcode = 2;
    zone.answers = [];
    await more(2);
    expect([...discovery.instances()]).toHaveLength(2);
    zone.rcode = 3;
    expect(await next()).toEqual([]);
  });

  it('goes on with all others when one address cannot be asked for, and with the address that was known of it', async () => {
    const zone: Zone = {
      answers: [srv('n1.test', 1), srv('n2.test', 2)],
      additional: [],
      addresses: {
        [`n1.test ${TYPE.A}`]: a('n1.test', [127, 0, 0, 1]),
        [`n2.test ${TYPE.A}`]: a('n2.test', [127, 0, 0, 2]),
      },
      rcode: 0,
      broken: ['n2.test'],
    };
    const { next, discovery, more, said } = await nameServer(zone);
    expect(await next()).toEqual([1]);
    zone.broken = [];
    expect(await next()).toEqual([1, 2]);
    zone.broken = ['n2.test'];
    zone.answers = [...zone.answers, srv('n1.test', 3)];
    expect(await next()).toEqual([1, 2, 3]);
    expect([...discovery.instances()].map(({ host }) => host)).toEqual([
      '127.0.0.1',
      '127.0.0.2',
      '127.0.0.1',
    ]);
    await more(9);
    const failure = 'the address of an SRV target cannot be asked for: n2.test';
    expect(said).toEqual([`${failure} none`, `${failure} 127.0.0.2`]);
    // Where nothing at all can be asked for, nothing is known of a change either.
    zone.broken = ['n4.test'];
    zone.answers = [srv('n4.test', 4)];
    await more(4);
    expect([...discovery.instances()]).toHaveLength(3);
  });
});
