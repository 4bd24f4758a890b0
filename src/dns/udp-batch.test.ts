import { createSocket } from 'node:dgram';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../lib/log.ts';
import { descriptorOf } from '../lib/sockets.ts';
import { becomes } from '../lib/soon.test-support.ts';
import { startUdp } from './udp.ts';
import { UdpBatch } from './udp-batch.ts';

const isHere = process.platform === 'linux' && /^(x64|arm64)$/.test(process.arch);

/** Sends `count` packets at once; answers with what came back, by number. */
async function storm(host: string, port: number, count: number, length: (at: number) => number) {
  const client = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  onTestFinished(() => void client.close());
  client.bind(0, host);
  await new Promise((resolve) => client.once('listening', resolve));
  client.setRecvBufferSize(8 * 1024 * 1024);
  const answers = new Map<number, Buffer>();
  client.on('message', (message) => answers.set(message.readUInt16BE(0), message));
  for (let at = 0; at < count; at++) {
    const packet = Buffer.alloc(length(at), at & 0xff);
    packet.writeUInt16BE(at, 0);
    client.send(packet, port, host);
  }
  await becomes(() => answers.size === count);
  return { answers, client };
}

describe('packets that come at once', () => {
  it.each(['127.0.0.1', '::1'])('are each answered with what is theirs, at %s', async (host) => {
    const askers = new Set<string>();
    let together = 0;
    let turn = 0;
    const server = await startUdp(
      (packet, _udp, asker) => {
        askers.add(asker);
        turn++;
        queueMicrotask(() => {
          together = Math.max(together, turn);
          turn = 0;
        });
        const answer = Buffer.concat([packet, Buffer.from([packet.length & 0xff])]);
        const number = packet[1] as number;
        // Some come later, some are longer than what is sent together.
        if (number % 7 === 0) return Promise.resolve(answer);
        return number % 11 === 0 ? Buffer.concat([answer, Buffer.alloc(6000)]) : answer;
      },
      { host, port: 0, logger: silentLogger },
    );
    onTestFinished(() => server.stop());
    // The first few may come before the calls are loaded.
    await UdpBatch.open();
    const { answers } = await storm(host, server.port, 250, (at) => 12 + (at % 500));
    for (let at = 0; at < 250; at++) {
      const answer = answers.get(at) as Buffer;
      const length = 12 + (at % 500);
      expect(answer[length]).toBe(length & 0xff);
      expect(answer.subarray(2, length).every((byte) => byte === (at & 0xff))).toBe(true);
      expect(answer.length).toBe(length + 1 + ((at & 0xff) % 7 !== 0 && (at & 0xff) % 11 === 0 ? 6000 : 0));
    }
    expect([...askers]).toEqual([host]);
    // One at a time is what Node does by itself.
    if (isHere) expect(together).toBeGreaterThan(1);
  });

  it('may be too long, or come when it stops: neither does harm', async () => {
    const lengths: number[] = [];
    const server = await startUdp(
      (packet) => {
        lengths.push(packet.length);
        return Buffer.from(packet.subarray(0, 12));
      },
      { host: '127.0.0.1', port: 0, logger: silentLogger },
    );
    await UdpBatch.open();
    await storm('127.0.0.1', server.port, 100, () => 20);
    const client = createSocket('udp4');
    for (let at = 0; at < 50; at++) client.send(Buffer.alloc(5000), server.port, '127.0.0.1');
    await server.stop();
    client.close();
    expect(lengths.filter((length) => length === 20)).toHaveLength(100);
  });

  it('need the descriptor of the socket', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await new Promise((resolve) => socket.once('listening', resolve));
    if (isHere) expect(descriptorOf(socket)[0]).toBeGreaterThan(2);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    expect(descriptorOf(socket)).toEqual([]);
  });
});
