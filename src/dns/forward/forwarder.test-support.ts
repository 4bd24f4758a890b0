import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import * as oracle from 'dns-packet';
import { onTestFinished } from 'vitest';
import type { ManualClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import { DnsCounts } from '../counts.ts';
import type { ForwardOptions } from './options.ts';
import { startForwardServer } from './server.ts';

export const lines: LogLine[] = [];
const logger = createLogger({ level: 'debug', sink: (line) => lines.push(line) });

export async function forwarder(options: Partial<ForwardOptions>, clock?: ManualClock) {
  const counts = new DnsCounts();
  const server = await startForwardServer({
    counts,
    listen: [{ host: '127.0.0.1', port: 0 }],
    // Longer than a busy machine keeps a name server of the same process from answering.
    options: { timeout: 1000, ...options },
    logger,
    ...(clock === undefined ? {} : { clock }),
  });
  onTestFinished(() => server.stop());
  return Object.assign(server, { counts });
}

/** One question over UDP; rejects when nothing comes. */
export async function ask(port: number, packet: Buffer): Promise<oracle.Packet> {
  return oracle.decode(await askRaw(port, packet));
}

export function askRaw(port: number, packet: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  return new Promise<Buffer>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), 5000);
    socket.on('message', (message) => {
      clearTimeout(timer);
      resolve(message);
    });
    socket.send(packet, port, '127.0.0.1');
  }).finally(() => socket.close());
}

export function askTcp(port: number, packet: Buffer): Promise<oracle.Packet> {
  const socket = connect(port, '127.0.0.1');
  return new Promise<oracle.Packet>((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0))
        resolve(oracle.decode(bytes.subarray(2)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    socket.write(Buffer.concat([length, packet]));
  }).finally(() => socket.destroy());
}

export const data = (answer: oracle.Packet) =>
  (answer.answers ?? []).map((one) => ('data' in one ? (one.data as unknown) : undefined));
export const rcode = (answer: oracle.Packet) => (answer as unknown as { rcode: string }).rcode;
export const ttls = (answer: oracle.Packet) =>
  (answer.answers ?? []).map((one) => ('ttl' in one ? one.ttl : undefined));
export const spelledIn = (question: oracle.Packet) => question.questions?.[0]?.name ?? '';
/** In lower case: it is asked for in any. */
export const nameIn = (question: oracle.Packet) => spelledIn(question).toLowerCase();

export const soa = (minimum: number, ttl = 300) =>
  ({
    type: 'SOA',
    name: 'example',
    ttl,
    data: { mname: 'ns.example', rname: 'x.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
  }) as const;
