import { messageOf } from '../../errors.ts';
import { askTcp, askUdp, type ExchangeOptions } from '../../lib/dns/exchange.ts';
import { decodeMessage, encodeQuery, type WireRecord } from '../../lib/dns/message.ts';
import { decodeName, encodeName, labelsOf } from '../../lib/dns/name.ts';
import { FLAG, RCODE, TYPE } from '../../lib/dns/numbers.ts';
import { fromHere, type HostPort, parseHostPort } from '../../lib/host-port.ts';
import { addressText } from '../../lib/ip.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { json } from '../reply.ts';
import type { Lookup, LookupRecord } from './wire-answers.ts';

/** What can be asked for here. */
const TYPES = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'NS', 'SOA', 'PTR', 'ANY'] as const;

/** Longer than the agent's own patience with recursors, so that its answer comes first, ms. */
const TIMEOUT = 12_000;

const EDNS_BYTES = 1232;

export const lookup = endpoint({
  method: 'GET',
  path: '/v1/muster/dns',
  needs: 'overview',
  summary: "What this agent's DNS answers to a name, asked over its own port",
  query: { name: 'the name, e.g. web.service.consul', type: `one of ${TYPES.join(', ')}; A unless given` },
  async handler({ dashboard, clock, random }, { query, signal }) {
    const server = parseHostPort(fromHere(dashboard?.live.current().about.dns ?? ''));
    if (server === undefined) throw new HttpError(404, 'This agent answers no DNS: its port is switched off');
    const name = query.get('name').replace(/\.$/, '');
    if (name === '') throw badRequest('Missing ?name=: the name to look up, e.g. ?name=web.service.consul');
    if (encodeName(name) === undefined)
      throw badRequest(
        `Not a name: ${JSON.stringify(name.slice(0, 300))}. Labels have 1 to 63 bytes, a name 253`,
      );
    const type = TYPES.find((one) => one === (query.get('type') || 'A').toUpperCase());
    if (type === undefined) throw badRequest(`Unknown type: one of ${TYPES.join(', ')}`);
    const question = encodeQuery(labelsOf(name), {
      id: Math.floor(random() * 0x10000),
      type: TYPE[type],
      ednsBytes: EDNS_BYTES,
    });
    const began = clock.now();
    try {
      const { answer, overTcp } = await ask(server, question, { timeout: TIMEOUT, clock, signal });
      return json({ name, type, overTcp, took: clock.now() - began, ...lookupOf(answer) } satisfies Lookup);
    } catch (error) {
      throw new HttpError(
        502,
        `DNS at ${dashboard?.live.current().about.dns} did not answer: ${messageOf(error)}`,
      );
    }
  },
});

async function ask(server: HostPort, question: Buffer, options: ExchangeOptions) {
  const answer = await askUdp(server, question, options);
  if ((answer.readUInt16BE(2) & FLAG.TC) === 0) return { answer, overTcp: false };
  return { answer: await askTcp(server, question, options), overTcp: true };
}

function lookupOf(
  bytes: Buffer,
): Pick<Lookup, 'status' | 'authoritative' | 'answers' | 'authority' | 'additional'> {
  const message = decodeMessage(bytes);
  const rcode = message.flags & 0xf;
  return {
    status: nameIn(RCODE, rcode) ?? `RCODE${rcode}`,
    authoritative: (message.flags & FLAG.AA) !== 0,
    answers: message.answers.map(recordOf),
    authority: message.authority.map(recordOf),
    additional: message.additional.filter(({ type }) => type !== TYPE.OPT).map(recordOf),
  };
}

function recordOf(record: WireRecord): LookupRecord {
  return {
    name: nameText(record.name),
    type: nameIn(TYPE, record.type) ?? `TYPE${record.type}`,
    ttl: record.ttl,
    data: dataText(record),
  };
}

/** As zone files write it; a kind that is not known in hexadecimal digits (RFC 3597). */
function dataText({ type, rdata }: WireRecord): string {
  switch (type) {
    case TYPE.A:
      if (rdata.length === 4) return rdata.join('.');
      break;
    case TYPE.AAAA:
      if (rdata.length === 16) return addressText(rdata);
      break;
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.DNAME:
      return nameText(decodeName(rdata, 0).labels);
    case TYPE.MX:
      return `${rdata.readUInt16BE(0)} ${nameText(decodeName(rdata, 2).labels)}`;
    case TYPE.SRV:
      return `${rdata.readUInt16BE(0)} ${rdata.readUInt16BE(2)} ${rdata.readUInt16BE(4)} ${nameText(decodeName(rdata, 6).labels)}`;
    case TYPE.SOA: {
      const primary = decodeName(rdata, 0);
      const mailbox = decodeName(rdata, primary.next);
      const numbers = [0, 4, 8, 12, 16].map((at) => rdata.readUInt32BE(mailbox.next + at));
      return `${nameText(primary.labels)} ${nameText(mailbox.labels)} ${numbers.join(' ')}`;
    }
    case TYPE.TXT: {
      const texts: string[] = [];
      for (let at = 0; at < rdata.length; at += 1 + (rdata[at] as number))
        texts.push(quoted(rdata.subarray(at + 1, at + 1 + (rdata[at] as number))));
      return texts.join(' ');
    }
  }
  return `\\# ${rdata.length} ${rdata.toString('hex')}`;
}

function nameText(labels: readonly Buffer[]): string {
  if (labels.length === 0) return '.';
  return labels.map((label) => `${escaped(label, /[.\\]/)}.`).join('');
}

function quoted(bytes: Buffer): string {
  return `"${escaped(bytes, /["\\]/)}"`;
}

/** Bytes that are no printable ASCII as \DDD, those that mean something behind a backslash (RFC 1035, 5.1). */
function escaped(bytes: Buffer, special: RegExp): string {
  return Array.from(bytes, (byte) => {
    if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
    const char = String.fromCharCode(byte);
    return special.test(char) ? `\\${char}` : char;
  }).join('');
}

function nameIn(table: Readonly<Record<string, number>>, value: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === value);
}
