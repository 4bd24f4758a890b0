import { isMusterError, listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { addressBytes } from '../../lib/ip.ts';
import { preferredAddress } from '../../lib/preferred-address.ts';
import { ClientList, type ListedClient, type ListedFrontend } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { ListenAddress, ListenerBase } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { Seats } from '../seats.ts';
import { Acceptor } from './acceptor.ts';
import { bindShared, type Listening, listenOn, listenWith } from './calls.ts';
import type { Loop } from './loop.ts';

/** Takes the place of a listener. Throws `listen.*`. */
export async function listenAt(loop: Loop, spec: ListenerBase): Promise<Listening> {
  const { descriptors = [], port, isShared } = spec;
  if (descriptors.length > 0) return listenWith(loop, descriptors);
  return onAddressOf(spec, (ip) => listenOn(loop, ip, port, isShared !== true));
}

/** A descriptor for a listener of Node, which closes it. */
export async function bindFor(loop: Loop, spec: ListenerBase): Promise<number> {
  return onAddressOf(spec, (ip) => bindShared(loop, ip, spec.port, spec.isShared !== true));
}

/** Without a host on all addresses: of both families, or of IPv4 alone on a machine that has no IPv6, as Node does it. */
async function onAddressOf<T>(spec: ListenerBase, open: (ip: Uint8Array) => T): Promise<T> {
  if (spec.host !== '') return open(await addressOf(spec));
  try {
    return open(new Uint8Array(16));
  } catch (error) {
    if (!isMusterError(error, 'listen.failed')) throw error;
    return open(new Uint8Array(4));
  }
}

async function addressOf({ host, port }: ListenerBase): Promise<Uint8Array> {
  try {
    const ip = addressBytes(await preferredAddress(host));
    if (ip !== undefined) return ip;
  } catch (cause) {
    throw listenError('the load balancer', formatHostPort(host, port), cause);
  }
  throw listenError('the load balancer', formatHostPort(host, port), new Error('it is no address of IP'));
}

/** Accepts connections, of whatever protocol. */
export abstract class RingListener<Client extends ListedClient> implements OpenListener {
  readonly loop: Loop;
  readonly address: ListenAddress;
  readonly descriptors: readonly number[];
  protected readonly clients: ClientList<Client>;
  readonly #seats: Seats;
  readonly #acceptors: readonly Acceptor[];

  constructor(
    loop: Loop,
    { engine, seats }: ListenerHome,
    frontend: ListedFrontend,
    { fds, host, port }: Listening,
  ) {
    this.loop = loop;
    this.address = { host, port };
    this.#seats = seats;
    this.clients = new ClientList(engine, frontend);
    this.descriptors = fds;
    this.#acceptors = fds.map(
      (fd) =>
        new Acceptor(loop, fd, {
          accepted: (client, from) => this.#accept(client, from),
          refused: (lack) => seats.refused(lack),
          spare: seats.spare,
        }),
    );
  }

  /** Whether one more may come, as far as this listener is concerned; says why not. */
  protected mayTake(): boolean {
    return true;
  }

  /** A client has come, and has a seat. */
  protected abstract take(fd: number, from: Endpoint): void;

  #accept(fd: number, from: Endpoint): void {
    if (this.mayTake() && this.#seats.take(fd)) this.take(fd, from);
    else this.loop.closeDescriptor(fd);
  }

  get size(): number {
    return this.clients.size;
  }

  left(client: Client): void {
    this.#seats.free();
    this.clients.left(client);
  }

  sweep(now: number): void {
    for (const acceptor of this.#acceptors) acceptor.retry();
    this.clients.sweep(now);
  }

  drain(farewell: Farewell): Promise<void> {
    return this.clients.drain(farewell, {
      stopAccepting: () => this.#stopAccepting(),
      early: () => 0,
      endEarly() {},
    });
  }

  close(): void {
    void this.#stopAccepting();
    this.clients.close();
  }

  async #stopAccepting(): Promise<void> {
    await Promise.all(this.#acceptors.map((acceptor) => acceptor.stop()));
  }
}
