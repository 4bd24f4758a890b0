import { createServer, type Server, type Socket } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { descriptorOf } from '../../lib/sockets.ts';
import type { ListenAddress, ListenerBase } from '../listener-spec.ts';
import type { ListenerHome } from './listener-kind.ts';

const BACKLOG = 4_096;

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
    const places = descriptors.length === 0 ? [{ host, port }] : descriptors.map((fd) => ({ fd }));
    const servers = places.map(() => createServer());
    await Promise.all(
      servers.map(
        (server, at) =>
          new Promise<void>((resolve, reject) => {
            server.once('error', (cause) =>
              reject(listenError('the load balancer', formatHostPort(host, port), cause)),
            );
            server.listen({ ...places[at], backlog: BACKLOG }, resolve);
          }),
      ),
    );
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
   * To be called in the turn in which `listen` resolved. What is accepted sends without delays. `refused`: a connection
   * could not be accepted.
   */
  begin(accepted: (handle: AcceptedHandle) => void, refused: () => void): void {
    for (const server of this.#servers) beginOn(server, accepted, refused);
  }

  /** Takes no more connections. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

function beginOn(server: Server, accepted: (handle: AcceptedHandle) => void, refused: () => void): void {
  const handle = (server as unknown as { _handle?: ListenHandle })._handle;
  if (typeof handle?.onconnection === 'function') {
    // Accepted sockets have it from the listening one, which saves a call for each.
    const isInherited = process.platform === 'linux' && handle.setNoDelay?.(true) === 0;
    handle.onconnection = (status, connection) => {
      if (status !== 0 || connection === undefined) {
        refused();
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
