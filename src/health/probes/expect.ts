import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { HostPort } from '../../lib/host-port.ts';
import { isIPv6 } from '../../lib/ip.ts';
import { preferredAddress } from '../../lib/preferred-address.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, passing } from '../kind.ts';
import { dialError } from '../kinds/dial-error.ts';
import type { CheckSpec } from '../spec.ts';

export const EXPECT_PROTOCOLS = ['tcp', 'udp', 'tls'] as const;

export interface ExpectOptions extends HostPort {
  readonly protocol: (typeof EXPECT_PROTOCOLS)[number];
  readonly send: Uint8Array;
  /** So many bytes of the answer are waited for; `matches` is asked about them. */
  readonly length: number;
  readonly matches: (answer: Buffer) => boolean;
}

/** When the check gives no timeout. */
const DEFAULT_TIMEOUT = 10_000;

/** Sends something and passes when the answer begins as expected. */
export function expectProbe(options: ExpectOptions): ProbeKind {
  return { mode: 'probe', recognises: () => false, probe: (spec, context) => probe(options, spec, context) };
}

function probe(options: ExpectOptions, { timeout }: CheckSpec, { signal }: ProbeContext): Promise<Outcome> {
  const { protocol, length, matches } = options;
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    let isOver = false;
    let close = () => {};
    const end = (outcome: Outcome) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      close();
      resolve(outcome);
    };
    const onAbort = () => end(critical('stopped'));
    const limit = timeout || DEFAULT_TIMEOUT;
    const timer = setTimeout(() => end(critical(`no answer of ${length} bytes within ${limit} ms`)), limit);
    signal.addEventListener('abort', onAbort, { once: true });
    const received = (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length < length) return;
      const shown = JSON.stringify(answer.subarray(0, length).toString('latin1'));
      end(matches(answer.subarray(0, length)) ? passing(`answered ${shown}`) : critical(`answered ${shown}`));
    };
    try {
      close = (protocol === 'udp' ? overDatagrams : overStream)(options, { received, end });
    } catch (error) {
      end(critical(messageOf(error)));
    }
  });
}

interface Listener {
  received: (bytes: Buffer) => void;
  end: (outcome: Outcome) => void;
}

function overStream({ protocol, host, port, send }: ExpectOptions, { received, end }: Listener): () => void {
  const named = isIP(host) === 0 ? { servername: host } : {};
  const socket: Socket = protocol === 'tls' ? connectTls({ host, port, ...named }) : connect({ host, port });
  socket.on(protocol === 'tls' ? 'secureConnect' : 'connect', () => socket.write(send));
  socket.on('data', received);
  socket.on('error', (error) => end(critical(dialError(error))));
  socket.on('close', () => end(critical('the connection was closed before the answer was there')));
  return () => void socket.destroy();
}

function overDatagrams({ host, port, send }: ExpectOptions, { received, end }: Listener): () => void {
  const failed = (error: Error) => end(critical(dialError(error).replace(/^dial tcp/, 'dial udp')));
  let socket: UdpSocket | undefined;
  let isOver = false;
  // The address to which datagrams of clients go.
  preferredAddress(host).then((address) => {
    if (isOver) return;
    const own = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket = own;
    own.on('error', failed);
    own.on('message', received);
    // The callback is told of errors too, though its type does not say so.
    own.connect(port, address, (error?: Error) => {
      if (error) failed(error);
      else own.send(send);
    });
  }, failed);
  return () => {
    isOver = true;
    // A refusal that is still under way must find somebody.
    socket?.removeAllListeners('error').on('error', () => {});
    socket?.close();
  };
}
