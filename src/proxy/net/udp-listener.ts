import { type BindOptions, createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { isIPv6 } from '../../lib/ip.ts';
import { preferredAddress } from '../../lib/preferred-address.ts';
import { descriptorOf, stopReading } from '../../lib/sockets.ts';
import type { Farewell } from '../farewell.ts';
import type { ListenAddress, UdpListenerSpec } from '../listener-spec.ts';
import { clientCeiling } from '../open-files.ts';
import { lackOf } from '../shortage.ts';
import { DEFAULT_UDP_LIMITS } from '../udp/limits.ts';
import type { UdpClient, UdpTransport, UdpUpstream } from '../udp/links.ts';
import type { UdpSession } from '../udp/session.ts';
import { UdpSessions } from '../udp/sessions.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';

/** Listens for datagrams. Throws `listen.*`. */
export async function openUdpListener(home: ListenerHome, spec: UdpListenerSpec): Promise<OpenListener> {
  const { host, port } = spec;
  const socket = await socketOn(spec).catch((cause) => {
    throw listenError('the load balancer', formatHostPort(host, port), cause);
  });
  return new UdpListener(home, spec, socket);
}

/** Without a host on all addresses: of both families, or of IPv4 alone on a machine that has no IPv6. */
async function socketOn({ host, port, descriptors = [] }: UdpListenerSpec): Promise<Socket> {
  const [fd] = descriptors;
  const address = await preferredAddress(host);
  if (fd !== undefined) return bound(address === '' || isIPv6(address) ? 'udp6' : 'udp4', { fd });
  if (address !== '') return bound(isIPv6(address) ? 'udp6' : 'udp4', { address, port });
  try {
    return await bound('udp6', { port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
    return bound('udp4', { port });
  }
}

async function bound(family: 'udp4' | 'udp6', where: BindOptions): Promise<Socket> {
  const socket = createSocket(family);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close();
      reject(cause);
    });
    socket.bind(where, resolve);
  });
  socket.removeAllListeners('error');
  return socket;
}

class UdpListener implements OpenListener, UdpTransport {
  readonly address: ListenAddress;
  readonly #home: ListenerHome;
  readonly #socket: Socket;
  readonly #sessions: UdpSessions;
  /** For datagrams whose answers nobody waits for, by family. */
  readonly #senders = new Map<'udp4' | 'udp6', Socket>();
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(home: ListenerHome, spec: UdpListenerSpec, socket: Socket) {
    this.#home = home;
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { host: address, port };
    const { limits, access, slot, pool } = spec;
    const given = { ...DEFAULT_UDP_LIMITS, ...limits };
    this.#sessions = new UdpSessions(home.engine, this, {
      limits: { ...given, maxSessions: Math.min(given.maxSessions, mostSessions()) },
      access,
      slot,
      takers: () => home.pools.get(pool)?.find(''),
    });
    socket.on('error', () => {});
    socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
      this.#sessions.received({ address: from.address, port: from.port }, datagram);
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  get descriptors(): readonly number[] {
    return descriptorOf(this.#socket);
  }

  open(session: UdpSession, target: Target): UdpUpstream {
    this.#home.seats.take();
    return new Upstream(session, target, () => {
      this.#home.seats.free();
      if (this.size === 0) this.#onIdle?.();
    });
  }

  forget({ host, port }: Target, datagram: Uint8Array): void {
    if (isIP(host) !== 0) this.#sender(host).send(datagram, port, host);
    else
      preferredAddress(host).then(
        (address) => {
          if (!this.#isClosed) this.#sender(address).send(datagram, port, address);
        },
        // As one that gets lost on its way.
        () => {},
      );
  }

  #sender(address: string): Socket {
    const family = isIPv6(address) ? 'udp6' : 'udp4';
    let sender = this.#senders.get(family);
    if (sender === undefined) {
      sender = createSocket(family);
      sender.on('error', () => {});
      this.#senders.set(family, sender);
    }
    return sender;
  }

  reply({ address, port }: UdpClient, datagram: Uint8Array): void {
    if (!this.#isClosed) this.#socket.send(datagram, port, address);
  }

  sweep(now: number): void {
    this.#sessions.sweep(now);
  }

  /** Who is in a session may end it; there is no saying when a client has asked its last question. */
  async drain({ patience, isReplaced }: Farewell): Promise<void> {
    // What comes is the other's; what was asked here is answered from here.
    if (isReplaced) stopReading(this.#socket);
    if (this.size === 0 || patience <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sessions.close();
    this.#socket.close();
    for (const sender of this.#senders.values()) sender.close();
  }
}

/** A connected socket: the system drops what comes from elsewhere, and tells when nobody listens there. */
class Upstream implements UdpUpstream {
  /** Undefined while a name is looked up. */
  #socket: Socket | undefined;
  readonly #session: UdpSession;
  readonly #onClosed: () => void;
  /** What came before the socket was connected; undefined from then on. */
  #early: Uint8Array[] | undefined = [];
  #isClosed = false;

  constructor(session: UdpSession, { host, port }: Target, onClosed: () => void) {
    this.#session = session;
    this.#onClosed = onClosed;
    if (isIP(host) !== 0) this.#connect(host, port);
    else
      preferredAddress(host).then(
        (address) => this.#connect(address, port),
        (error: NodeJS.ErrnoException) => this.#failed(error),
      );
  }

  #connect(address: string, port: number): void {
    if (this.#isClosed) return;
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on('message', (datagram) => {
      if (!this.#isClosed) this.#session.answered(datagram);
    });
    // The callback is told of errors too, though its type does not say so.
    socket.connect(port, address, (error?: NodeJS.ErrnoException) => {
      if (error) this.#failed(error);
      else this.#connected();
    });
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return;
    const lack = lackOf(error.code);
    if (lack !== undefined) this.#session.lacked(lack);
    else this.#session.refused(error.code === 'ECONNREFUSED' ? 'port unreachable' : error.message);
  }

  send(datagram: Uint8Array): void {
    if (this.#early === undefined) this.#socket?.send(datagram);
    else if (this.#early.length < MOST_EARLY) this.#early.push(datagram);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket?.close();
    this.#onClosed();
  }

  #connected(): void {
    if (this.#isClosed) return;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const datagram of early) this.#socket?.send(datagram);
  }
}

/** Datagrams kept while a name is looked up. */
const MOST_EARLY = 64;

/** Half of the descriptors that are there for clients: each session takes one, and other listeners need some too. */
function mostSessions(): number {
  return Math.max(1, Math.floor(clientCeiling() / 2));
}
