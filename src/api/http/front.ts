import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { handleOf, isBuffered } from '../../proxy/net/native-stream.ts';
import type { Exchange } from '../exchange.ts';
import { PlainConnection, type PlainHome } from './plain-connection.ts';

/** Requests that are longer than this are no plain ones. */
const READ_SIZE = 64 * 1024;

/** Stands in front of Node's HTTP server: takes the connections that come to it, and gives it those that are not of the common kind. */
export class Front {
  readonly #connections = new Set<PlainConnection>();
  readonly #home: PlainHome;
  readonly #give: (socket: Socket) => void;
  readonly #sweep: NodeJS.Timeout;

  /** `headersTimeout`: how long (ms) a client has for the head of its first request; `keepAlive`: how long it may be idle after one. */
  constructor(
    server: Server,
    options: {
      headersTimeout: number;
      keepAlive: number;
      accepts: () => boolean;
      serve: (exchange: Exchange) => void;
    },
  ) {
    const { headersTimeout, keepAlive, accepts, serve } = options;
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    this.#give = (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    };
    this.#home = {
      buffer: Buffer.allocUnsafeSlow(READ_SIZE),
      keepAlive: `timeout=${keepAlive / 1000}`,
      accepts,
      serve,
      left: (connection) => this.#connections.delete(connection),
      toNode: this.#give,
    };
    server.on('connection', (socket: Socket) => this.#take(socket));
    // As Node looks: half as long as the shorter of the times.
    const every = headersTimeout / 2;
    this.#sweep = setInterval(() => {
      for (const connection of this.#connections) {
        if (connection.isBusy) {
          if (connection.isUnread(every)) connection.destroy();
          continue;
        }
        const waited = connection.idle++ * every;
        if (waited >= headersTimeout && connection.isLate) connection.giveBeginning();
        else if (connection.isNew && waited >= headersTimeout) connection.refuseSilence();
        else if (waited >= keepAlive) connection.destroy();
      }
    }, every).unref();
    server.once('close', () => clearInterval(this.#sweep));
  }

  /** Gives a connection that came in another way to Node's server. */
  giveToNode(socket: Socket): void {
    this.#give(socket);
  }

  /** Ends connections once nothing is under way on them; `all`: at once. */
  close({ all = false } = {}): void {
    for (const connection of this.#connections)
      if (all) connection.destroy();
      else connection.leave();
  }

  #take(socket: Socket): void {
    if (!isBuffered(handleOf(socket))) this.#give(socket);
    else this.#connections.add(new PlainConnection(this.#home, socket));
  }
}
