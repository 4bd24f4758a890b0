import { isIP, isIPv4 } from 'node:net';
import * as oracle from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes } from '../ip.ts';
import { reverseAddress } from './address.ts';
import { decodeMessage, encodeMessage, encodeQuery, joinLabels, type Message } from './message.ts';
import { decodeName, encodeLabels, encodeName, WireError } from './name.ts';
import { RCODE, TYPE } from './numbers.ts';
import { emptyQuery, IGNORE, keyLabels, readQuery } from './query.ts';

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const labels = fc.array(label, { minLength: 1, maxLength: 5 });
const dotted = (parts: readonly Uint8Array[]) => parts.map((part) => Buffer.from(part).toString()).join('.');

describe('names', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(labels, (parts) => {
        const bytes = encodeLabels(parts) as Buffer;
        const { labels: read, next } = decodeName(bytes, 0);
        expect(read.map(String)).toEqual(parts);
        expect(next).toBe(bytes.length);
        expect(bytes).toEqual(oracle.name.encode(parts.join('.')));
      }),
    );
  });

  it.each(['a..b', '.a', 'x'.repeat(64), Array(64).fill('abc').join('.'), 'ü'.repeat(32)])(
    '%s is none',
    (text) => {
      expect(encodeName(text)).toBeUndefined();
    },
  );

  it('of 255 bytes is the longest', () => {
    const longest = [...Array(3).fill('a'.repeat(63)), 'a'.repeat(61)];
    expect(encodeLabels(longest)?.length).toBe(255);
    expect(encodeLabels([...longest.slice(0, 3), 'a'.repeat(62)])).toBeUndefined();
  });

  it('never lead a reader in circles', () => {
    expect(() => decodeName(Uint8Array.from([0xc0, 0]), 0)).toThrow(WireError);
    expect(() => decodeName(Uint8Array.from([0xc0, 2, 0xc0, 0]), 2)).toThrow(WireError);
    expect(() => decodeName(Uint8Array.from([1, 97, 0xc0, 0]), 0)).toThrow(WireError);
  });
});

describe('messages', () => {
  const record = fc.record({
    name: labels,
    ttl: fc.nat(),
    body: fc.oneof(
      fc.ipV4().map((data) => ({ type: 'A' as const, data })),
      fc
        .record({ priority: fc.nat(65535), weight: fc.nat(65535), port: fc.nat(65535), target: labels })
        .map(({ target, ...rest }) => ({
          type: 'SRV' as const,
          data: { ...rest, target: target.join('.') },
        })),
      labels.map((target) => ({ type: 'CNAME' as const, data: target.join('.') })),
      fc
        .array(fc.stringMatching(/^[ -~]{0,40}$/), { minLength: 1 })
        .map((data) => ({ type: 'TXT' as const, data })),
    ),
  });

  it('of another encoder are understood, and ours by it', () => {
    fc.assert(
      fc.property(fc.nat(65535), labels, fc.array(record, { maxLength: 6 }), (id, name, records) => {
        const packet = oracle.encode({
          type: 'response',
          id,
          flags: oracle.AUTHORITATIVE_ANSWER,
          questions: [{ type: 'SRV', name: name.join('.') }],
          answers: records.map(
            ({ name: owner, ttl, body }) => ({ ...body, name: owner.join('.'), ttl }) as oracle.Answer,
          ),
        });
        const message = decodeMessage(packet);
        expect(message.id).toBe(id);
        expect(message.answers.map((answer) => dotted(answer.name))).toEqual(
          records.map((r) => r.name.join('.')),
        );
        const again = oracle.decode(encodeMessage(message));
        const expected = oracle.decode(packet);
        expect(again.answers).toEqual(expected.answers);
        expect(again.questions).toEqual(expected.questions);
        expect(again.id).toBe(id);
      }),
    );
  });

  it('say names once and point to them afterwards', () => {
    const name = ['web', 'service', 'consul'].map((text) => Buffer.from(text));
    const answer = { name, type: TYPE.A, class: 1, ttl: 0, rdata: Buffer.from([1, 2, 3, 4]) };
    const message: Message = {
      id: 1,
      flags: 0x8400,
      questions: [{ name, type: TYPE.A, class: 1 }],
      answers: [answer, answer],
      authority: [],
      additional: [],
    };
    const bytes = encodeMessage(message);
    expect(bytes.length).toBe(12 + joinLabels(name).length + 4 + 2 * (2 + 10 + 4));
    expect(decodeMessage(bytes)).toEqual(message);
  });

  it('that are broken are a WireError and nothing else', () => {
    const packet = oracle.encode({
      type: 'response',
      questions: [{ type: 'SRV', name: 'web.service.consul' }],
      answers: [
        { type: 'SRV', name: 'web.service.consul', data: { port: 1, target: 'a.node.consul' } },
        { type: 'SOA', name: 'consul', data: { mname: 'ns.consul', rname: 'h.consul' } },
      ],
    });
    const safely = (bytes: Uint8Array) => {
      try {
        decodeMessage(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), safely));
    fc.assert(
      fc.property(fc.nat(packet.length), fc.nat(packet.length - 1), fc.nat(255), (length, at, byte) => {
        const damaged = Buffer.from(packet);
        damaged[at] = byte;
        safely(damaged.subarray(0, length));
        safely(damaged);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('questions', () => {
  it('are read as another encoder writes them', () => {
    fc.assert(
      fc.property(
        labels,
        fc.option(fc.integer({ min: 512, max: 65535 })),
        fc.nat(65535),
        (name, edns, id) => {
          const packet = oracle.encode({
            type: 'query',
            id,
            flags: oracle.RECURSION_DESIRED,
            questions: [{ type: 'SRV', name: name.join('.').toUpperCase() }],
            additionals:
              edns === null
                ? []
                : [
                    {
                      type: 'OPT',
                      name: '.',
                      udpPayloadSize: edns,
                      flags: 0,
                      options: [],
                      extendedRcode: 0,
                      ednsVersion: 0,
                      flag_do: false,
                    },
                  ],
          });
          const query = emptyQuery();
          expect(readQuery(packet, query)).toBe(RCODE.NOERROR);
          expect(keyLabels(query.key)).toEqual(name);
          expect(query).toMatchObject({ id, type: TYPE.SRV, ednsBytes: edns ?? 0, flags: 0x0100 });
        },
      ),
    );
  });

  it('of this encoder are read by the other', () => {
    const packet = encodeQuery(['web', 'service', 'consul'], { id: 7, type: TYPE.SRV, ednsBytes: 1232 });
    expect(oracle.decode(packet)).toMatchObject({
      id: 7,
      flag_rd: true,
      questions: [{ name: 'web.service.consul', type: 'SRV' }],
      additionals: [{ type: 'OPT', udpPayloadSize: 1232 }],
    });
  });

  it('have the same key in any case, and another for another type or another cut into labels', () => {
    const key = (name: string[], type: number) => {
      const query = emptyQuery();
      readQuery(encodeQuery(name, { id: 1, type }), query);
      return query.key;
    };
    expect(key(['WeB', 'consul'], 1)).toBe(key(['web', 'CONSUL'], 1));
    expect(key(['web', 'consul'], 1)).not.toBe(key(['web', 'consul'], 28));
    expect(key(['a.b'], 1)).not.toBe(key(['a', 'b'], 1));
  });

  /** A question with one EDNS option. */
  const withOption = (code: number, option: readonly number[]): Buffer => {
    const packet = encodeQuery(['web', 'consul'], { id: 1, type: TYPE.A, ednsBytes: 4096 });
    packet.writeUInt16BE(4 + option.length, packet.length - 2);
    return Buffer.concat([packet, Buffer.from([0, code, 0, option.length, ...option])]);
  };

  it.each([
    ['IPv4', 8, [0, 1, 32, 0, 10, 0, 0, 7], '10.0.0.7'],
    ['IPv4, cut to its prefix', 8, [0, 1, 24, 0, 10, 0, 1], '10.0.1.0'],
    ['IPv6', 8, [0, 2, 32, 0, 0x20, 0x01, 0x0d, 0xb8], '2001:db8::'],
    ['no address at all', 8, [0, 1, 0, 0], '0.0.0.0'],
    ['too long an address', 8, [0, 1, 32, 0, 1, 2, 3, 4, 5], 'asker'],
    ['half a head', 8, [0, 1, 32], 'asker'],
    ['another option', 10, [0, 1, 32, 0, 10, 0, 0, 7], 'asker'],
  ])('name the network of the asker: %s', (_, code, option, expected) => {
    const query = { ...emptyQuery(), asker: 'asker' };
    expect(readQuery(withOption(code, option), query)).toBe(RCODE.NOERROR);
    expect(query.asker).toBe(expected);
    expect(query.subnetBytes).toBe(expected === 'asker' ? 0 : option.length);
  });

  it('keep nothing of the network of the question before', () => {
    const query = emptyQuery();
    readQuery(withOption(8, [0, 1, 32, 0, 10, 0, 0, 7]), query);
    readQuery(encodeQuery(['web', 'consul'], { id: 1, type: TYPE.A }), query);
    expect(query.subnetBytes).toBe(0);
  });

  it('whatever comes are one of the codes, and never an exception', () => {
    const query = emptyQuery();
    const codes: number[] = [IGNORE, RCODE.NOERROR, RCODE.FORMERR, RCODE.NOTIMP, RCODE.BADVERS];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => codes.includes(readQuery(bytes, query))),
    );
    const packet = withOption(8, [0, 1, 24, 0, 10, 0, 1]);
    fc.assert(
      fc.property(fc.nat(packet.length), fc.nat(packet.length - 1), fc.nat(255), (length, at, byte) => {
        const damaged = Buffer.from(packet);
        damaged[at] = byte;
        return (
          codes.includes(readQuery(damaged.subarray(0, length), query)) &&
          codes.includes(readQuery(damaged, query))
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('addresses', () => {
  it('are four or sixteen bytes, or none', () => {
    expect(addressBytes('10.0.0.1')).toEqual(Uint8Array.from([10, 0, 0, 1]));
    expect(addressBytes('::ffff:10.0.0.1')).toEqual(Uint8Array.from([10, 0, 0, 1]));
    expect(addressBytes('::')).toEqual(new Uint8Array(16));
    for (const text of ['', '10.0.0', '10.0.0.256', '010.0.0.1', '1.2.3.4.5', 'a', 'fe80::1%eth0', '10.0.0.'])
      expect(addressBytes(text)).toBeUndefined();
  });

  it('of version 4 are those that the runtime takes', () => {
    const text = fc.oneof(fc.ipV4(), fc.stringMatching(/^[0-9.]{1,16}$/));
    fc.assert(fc.property(text, (address) => (addressBytes(address) !== undefined) === isIPv4(address)));
  });

  it('of version 6 are the same bytes as in the other encoder', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        fc.pre(isIP(text) === 6);
        // The other encoder takes only groups of digits.
        const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        const bytes = Buffer.from(addressBytes(text) as Uint8Array);
        const known = oracle.record('AAAA').encode(canonical).subarray(2);
        expect(bytes.length === 4 ? known.subarray(12) : known).toEqual(bytes);
      }),
    );
  });

  it('are found in reverse names', () => {
    const labelsOf = (text: string) => text.split('.');
    expect(reverseAddress(labelsOf('1.2.0.10.in-addr.arpa'))).toEqual(addressBytes('10.0.2.1'));
    const ip6 = `${'1.0.0.0.'.padEnd(64, '0.')}ip6.arpa`;
    expect(reverseAddress(labelsOf(ip6))).toEqual(addressBytes('::1'));
    for (const text of ['2.0.10.in-addr.arpa', '1.2.3.999.in-addr.arpa', 'x.ip6.arpa', 'arpa'])
      expect(reverseAddress(labelsOf(text))).toBeUndefined();
  });
});
