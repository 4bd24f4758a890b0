import { createServer, type Server, type Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { preferredAddress } from '../../lib/preferred-address.ts';
import { descriptorOf } from '../../lib/sockets.ts';
import type { ListenAddress, ListenerBase } from '../listener-spec.ts';
import type { Seats } from '../seats.ts';
import { lackOf } from '../shortage.ts';
import type { ListenerHome } from './listener-kind.ts';

const BACKLOG = 4_096;
/** How long (ms) to wait for what is lacking where that cannot be done elsewhere. */
const PAUSE = 1;
/** Nobody wakes who waits here. */
const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** What is used of the seats to refuse newcomers. */
type Refusing = Pick<Seats, 'refused' | 'makeRoom'> & {
  readonly spare: Pick<Seats['spare'], 'giveUp' | 'takeBack'>;
};

/** libuv's handle of a listening socket, as far as it is used here. */
interface ListenHandle {
  /** 0: done, or a negative error number. */
  setNoDelay?(enable: boolean): number;
  onconnection(status: number, handle: AcceptedHandle | undefined): void;
}

/** An accepted connection as libuv hands it over. */
export interface AcceptedHandle {
  /** Its descriptor; negative or absent where there are none. */
  readonly fd?: number;
  setNoDelay?(enable: boolean): number;
  close(): void;
}

/** The listening sockets of one address: one, but for those that were given by a process with other threads. */
export class Acceptor {
  readonly address: ListenAddress;
  readonly #servers: readonly Server[];

  private constructor(servers: readonly Server[], asked: ListenAddress) {
    this.#servers = servers;
    const address = servers[0]?.address();
    this.address =
      address == null || typeof address === 'string' ? asked : { host: address.address, port: address.port };
  }

  get descriptors(): readonly number[] {
    return this.#servers.flatMap((server) => descriptorOf(server));
  }

  /** Takes no connection before `begin`. `bind`: as `ListenerHome` has it. Throws `listen.*`. */
  static async listen(spec: ListenerBase, bind: ListenerHome['bind']): Promise<Acceptor> {
    const { host, port, descriptors = bind === undefined ? [] : [await bind(spec)] } = spec;
    const servers: Server[] = [];
    try {
      const places =
        descriptors.length > 0
          ? descriptors.map((fd) => ({ fd, backlog: BACKLOG }))
          : [{ host: await preferredAddress(host), port, backlog: BACKLOG }];
      await Promise.all(
        places.map((place) => {
          const server = createServer();
          servers.push(server);
          return new Promise<void>((resolve, reject) => {
            server.once('error', reject);
            server.listen(place, resolve);
          });
        }),
      );
    } catch (cause) {
      throw listenError('the load balancer', formatHostPort(host, port), cause);
    }
    for (const server of servers) {
      server.removeAllListeners('error');
      // A connection that could not be accepted (no descriptors left): the socket goes on listening.
      server.on('error', () => {});
    }
    return new Acceptor(servers, { host, port });
  }

  /**
   * A socket gets its read callback at construction or never, and `net.Server` constructs its sockets without one. So
   * the handles are taken before it does: one socket per connection instead of two (half of the cost of a short one).
   * To be called in the turn in which `listen` resolved. What is accepted sends without delays, and has no seat yet.
   */
  begin(accepted: (handle: AcceptedHandle) => void, seats: Refusing): void {
    for (const server of this.#servers) beginOn(server, accepted, seats);
  }

  /** Takes no more connections. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/**
 * libuv goes on accepting in one go, with nothing else in between, until nobody waits. It has a spare descriptor too, which it may
 * lose to another thread: without ours it would go on for as long as there is none.
 */
function couldNotAccept(status: number, seats: Refusing): void {
  const lack = status < 0 ? lackOf(getSystemErrorName(status)) : undefined;
  if (lack === 'files' && seats.spare.giveUp()) return;
  if (lack !== undefined) seats.refused(lack);
  if (lack === 'files') seats.makeRoom();
  Atomics.wait(NEVER, 0, 0, PAUSE);
}

function beginOn(server: Server, accepted: (handle: AcceptedHandle) => void, seats: Refusing): void {
  const handle = (server as unknown as { _handle?: ListenHandle })._handle;
  if (typeof handle?.onconnection === 'function') {
    // Accepted sockets have it from the listening one, which saves a call for each.
    const isInherited = process.platform === 'linux' && handle.setNoDelay?.(true) === 0;
    handle.onconnection = (status, connection) => {
      if (status !== 0 || connection === undefined) {
        couldNotAccept(status, seats);
        return;
      }
      if (!seats.spare.takeBack()) {
        // It was let in by what was given up.
        connection.close();
        seats.spare.takeBack();
        seats.refused('files');
        return;
      }
      if (!isInherited) connection.setNoDelay?.(true);
      accepted(connection);
    };
    return;
  }
  server.on('connection', (socket: Socket) => {
    const bare = socket as unknown as { _handle: AcceptedHandle | null };
    const connection = bare._handle;
    bare._handle = null;
    if (connection === null) return;
    connection.setNoDelay?.(true);
    accepted(connection);
  });
}
