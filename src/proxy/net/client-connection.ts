import { Socket } from 'node:net';
import { CONNECTIONS, OPEN_CONNECTIONS } from '../counters.ts';
import type { Engine } from '../http1/engine.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { ClientLink } from '../http1/links.ts';
import { READ } from '../http1/memory.ts';
import { Session } from '../http1/session.ts';
import { readDirectly } from './native-stream.ts';
import { Sender } from './sender.ts';

/** What a connection needs of the listener it came through. */
export interface ClientHome {
  readonly engine: Engine;
  /** The engine's read area, shared by all sockets: what is read is used up before the next read. */
  readonly readBuffer: Buffer;
  readonly frontend: Frontend;
  /** The connection is closed. */
  left(connection: ClientConnection): void;
}

/** An accepted socket. */
export class ClientConnection implements ClientLink {
  readonly session: Session;
  /** Place in the listener's list. */
  index = -1;
  readonly #home: ClientHome;
  readonly #socket: Socket;
  readonly #sender: Sender;

  /** `handle`: the accepted connection as libuv hands it over. */
  constructor(home: ClientHome, handle: object) {
    this.#home = home;
    const received = (length: number) => this.session.received(READ, READ + length);
    const options = {
      handle,
      allowHalfOpen: true,
      // Given at construction or not at all: with it reads need no buffer of their own and no stream machinery.
      onread: {
        buffer: home.readBuffer,
        callback: (length: number): boolean => {
          received(length);
          return true;
        },
      },
    };
    const socket = new Socket(options);
    this.#socket = socket;
    this.#sender = new Sender(socket, () => this.session.drained());
    this.#sender.open();
    readDirectly(socket, received);
    this.session = new Session(home.engine, this, home.frontend, socket.remoteAddress ?? '');
    socket.setNoDelay(true);
    socket.on('end', () => this.session.ended());
    socket.on('error', ignore);
    socket.on('close', () => {
      this.session.gone();
      home.engine.counters.overall(OPEN_CONNECTIONS, -1);
      home.left(this);
    });
    home.engine.counters.overall(CONNECTIONS);
    home.engine.counters.overall(OPEN_CONNECTIONS);
    socket.resume();
  }

  send(start: number, end: number): boolean {
    return this.#sender.send(this.#home.engine.memory, start, end);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  finish(): void {
    if (this.#sender.isEmpty) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  linger(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
