import { createSocket, type Socket } from 'node:dgram';
import { type AddressInfo, createServer, type Server } from 'node:net';
import * as oracle from 'dns-packet';
import { onTestFinished } from 'vitest';

export type Reply = oracle.Packet | Buffer | undefined;
export type Script = (question: oracle.Packet, tcp: boolean, raw: Buffer) => Reply | Reply[];

/** A name server that answers as told, over UDP and TCP; `asked` are the names it was asked for. */
export async function nameServer(script: Script) {
  const asked: string[] = [];
  const ports = new Set<number>();
  const ids = new Set<number>();
  const answer = (raw: Buffer, tcp: boolean): Buffer[] => {
    const question = oracle.decode(raw);
    // The case of the letters is random.
    asked.push(`${tcp ? 'tcp' : 'udp'} ${question.questions?.[0]?.name.toLowerCase()}`);
    ids.add(question.id ?? -1);
    return [script(question, tcp, raw)]
      .flat()
      .filter((one) => one !== undefined)
      .map((one) => (Buffer.isBuffer(one) ? one : oracle.encode(one)));
  };
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const one of answer(chunk.subarray(2), true)) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(one.length);
        // In pieces, as networks have it.
        socket.write(length.subarray(0, 1));
        setImmediate(() => socket.write(Buffer.concat([length.subarray(1), one])));
      }
    });
  });
  const { port, udp } = await boundBoth(tcp);
  udp.on('message', (raw, from) => {
    ports.add(from.port);
    for (const one of answer(raw, false)) udp.send(one, from.port, from.address);
  });
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  return { host: '127.0.0.1', port, asked, ports, ids };
}

/** The same port for TCP and UDP: one that is free for TCP may be somebody's for UDP. */
export async function boundBoth(tcp: Server): Promise<{ port: number; udp: Socket }> {
  for (;;) {
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4');
    const isOurs = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    if (isOurs) return { port, udp };
    udp.close();
    await new Promise((resolve) => tcp.close(resolve));
  }
}

export const reply = (question: oracle.Packet, more: Partial<oracle.Packet> = {}): oracle.Packet => ({
  type: 'response',
  id: question.id ?? 0,
  flags: oracle.RECURSION_DESIRED,
  questions: question.questions ?? [],
  ...more,
});
export const addressOf = (name: string, data = '192.0.2.1', ttl = 60) =>
  ({ type: 'A', name, ttl, data }) as const;
export const knowing =
  (data = '192.0.2.1'): Script =>
  (question) =>
    reply(question, { answers: [addressOf(question.questions?.[0]?.name ?? '', data)] });
export const failing =
  (rcode: number): Script =>
  (question) =>
    reply(question, { flags: rcode });
export const silent: Script = () => undefined;
export const TRUNCATED = 0x0200;

export const questionFor = (name: string, more: Partial<oracle.Packet> = {}, type = 'A') =>
  oracle.encode({
    type: 'query',
    id: 77,
    flags: oracle.RECURSION_DESIRED,
    questions: [{ type, name }],
    ...more,
  });
export const edns = (udpPayloadSize: number) => [
  {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const,
];
