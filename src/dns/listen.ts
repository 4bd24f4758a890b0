import { listenError } from '../errors.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Responder } from './respond.ts';
import { startTcp, type TcpOptions, type TcpServer } from './tcp.ts';
import { startUdp, type UdpServer } from './udp.ts';

/** What takes questions, over UDP and TCP. */
export interface Dns {
  /** "host:port", the same for UDP and TCP. */
  readonly address: string;
  readonly port: number;
  /** Takes no more questions but those on open connections: another process has the sockets. */
  leave(): void;
  stop(): Promise<void>;
}

/** Ports tried when any will do: one that is free for TCP may be taken for UDP. */
const PORT_ATTEMPTS = 20;

/** Both transports on one port. Throws `listen.*`. */
export async function listen(respond: Responder, options: TcpOptions): Promise<Dns> {
  const { host, port } = options;
  const { tcp, udp } = await onOnePort(respond, options).catch((cause: unknown) => {
    throw listenError('DNS', formatHostPort(host, port), cause);
  });
  return {
    address: formatHostPort(host, tcp.port),
    port: tcp.port,
    leave() {
      tcp.leave();
      udp.leave();
    },
    stop: async () => void (await Promise.all([tcp.stop(), udp.stop()])),
  };
}

/** Rejects with what the system says. */
async function onOnePort(
  respond: Responder,
  options: TcpOptions,
): Promise<{ tcp: TcpServer; udp: UdpServer }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await startTcp(respond, options);
    try {
      const udp = await startUdp(respond, { ...options, port: tcp.port });
      return { tcp, udp };
    } catch (error) {
      await tcp.stop();
      if (options.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
