import { lookup } from 'node:dns/promises';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { addressBytes } from '../../lib/ip.ts';
import { ClientList } from '../client-list.ts';
import type { Engine } from '../http1/engine.ts';
import { Frontend } from '../http1/frontend.ts';
import { withLimits } from '../limits.ts';
import type { HttpListenerSpec, ListenAddress, ListenerBase } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import type { Seats } from '../seats.ts';
import { Acceptor } from './acceptor.ts';
import { bindShared, type Listening, listenOn } from './calls.ts';
import { ClientConnection, type ClientHome } from './client-connection.ts';
import type { Loop } from './loop.ts';

/** Listens for HTTP/1.1 in clear text. Throws `listen.*`. */
export async function openHttpListener(
  loop: Loop,
  home: ListenerHome,
  spec: HttpListenerSpec,
): Promise<OpenListener> {
  const ip = await addressOf(spec);
  return new HttpListener(loop, home, spec, listenOn(loop, ip, spec.port, spec.isShared !== true));
}

/** A descriptor for a listener of Node, which closes it. */
export async function bindFor(loop: Loop, spec: ListenerBase): Promise<number> {
  return bindShared(loop, await addressOf(spec), spec.port, spec.isShared !== true);
}

async function addressOf({ host, port }: ListenerBase): Promise<Uint8Array> {
  try {
    const ip = addressBytes(host) ?? addressBytes((await lookup(host)).address);
    if (ip !== undefined) return ip;
  } catch (cause) {
    throw listenError('the load balancer', formatHostPort(host, port), cause);
  }
  throw listenError('the load balancer', formatHostPort(host, port), new Error('it is no address of IP'));
}

/** Accepts connections. */
class HttpListener implements ClientHome, OpenListener {
  readonly loop: Loop;
  readonly engine: Engine;
  readonly frontend: Frontend;
  readonly address: ListenAddress;
  readonly #seats: Seats;
  readonly #acceptor: Acceptor;
  readonly #clients: ClientList<ClientConnection>;

  constructor(loop: Loop, home: ListenerHome, spec: HttpListenerSpec, { fd, host, port }: Listening) {
    const { engine, seats, localAddress } = home;
    this.loop = loop;
    this.engine = engine;
    this.#seats = seats;
    this.address = { host, port };
    this.frontend = new Frontend({
      limits: withLimits(engine.limits, spec.limits),
      authority: formatHostPort(host, port),
      localAddress,
    });
    this.#clients = new ClientList(engine, this.frontend);
    this.#acceptor = new Acceptor(loop, fd, {
      accepted: (client, from) => this.#accept(client, from),
      refused: () => seats.refused(),
    });
  }

  #accept(fd: number, address: string): void {
    if (!this.#seats.take(fd)) {
      this.loop.closeDescriptor(fd);
      return;
    }
    this.#clients.add(new ClientConnection(this, fd, address));
  }

  get size(): number {
    return this.#clients.size;
  }

  left(connection: ClientConnection): void {
    this.#seats.free();
    this.#clients.left(connection);
  }

  sweep(now: number): void {
    this.#acceptor.retry();
    this.#clients.sweep(now);
  }

  drain(patience: number): Promise<void> {
    return this.#clients.drain(patience, () => this.#acceptor.stop());
  }

  close(): void {
    this.#acceptor.stop();
    this.#clients.close();
  }
}
