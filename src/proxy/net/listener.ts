import { createServer, type Server, type Socket } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Engine } from '../http1/engine.ts';
import { Forwarding, type ForwardingOptions } from '../http1/forwarding.ts';
import { ClientConnection, type ClientHome } from './client-connection.ts';
import { clientCeiling } from './open-files.ts';

/** Addresses whose forwarding texts are remembered; then it begins anew. */
const REMEMBERED_ADDRESSES = 4_096;

export interface ListenerOptions extends ForwardingOptions {
  host: string;
  port: number;
  backlog?: number;
}

/** libuv's handle of a listening socket, as far as it is used here. */
interface ListenHandle {
  onconnection(status: number, handle: AcceptedHandle | undefined): void;
}

interface AcceptedHandle {
  /** Its descriptor; negative or absent where there are none. */
  readonly fd?: number;
  close(): void;
}

/** Accepts connections and keeps the list of them. */
export class Listener implements ClientHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly #options: ListenerOptions;
  readonly #server: Server = createServer();
  readonly #connections: ClientConnection[] = [];
  readonly #forwarding = new Map<string, Forwarding>();
  readonly #ceiling = clientCeiling();
  #onIdle: (() => void) | undefined;

  private constructor(engine: Engine, readBuffer: Buffer, options: ListenerOptions) {
    this.engine = engine;
    this.readBuffer = readBuffer;
    this.#options = options;
  }

  /** Throws `listen.*`. */
  static async start(engine: Engine, readBuffer: Buffer, options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(engine, readBuffer, options);
    const { host, port, backlog = 4_096 } = options;
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(listenError('the load balancer', formatHostPort(host, port), cause)),
      );
      server.listen({ host, port, backlog }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', () => {});
    listener.#takeHandles();
    return listener;
  }

  /**
   * A socket gets its read callback at construction or never, and `net.Server` constructs its sockets without one. So
   * the handles are taken before it does: one socket per connection instead of two (half of the cost of a short one).
   */
  #takeHandles(): void {
    const handle = (this.#server as unknown as { _handle?: ListenHandle })._handle;
    if (typeof handle?.onconnection === 'function') {
      handle.onconnection = (status, accepted) => {
        if (status === 0 && accepted !== undefined) this.#accept(accepted);
        else this.engine.onLack('files');
      };
      return;
    }
    this.#server.on('connection', (socket: Socket) => {
      const bare = socket as unknown as { _handle: AcceptedHandle | null };
      const accepted = bare._handle;
      bare._handle = null;
      if (accepted !== null) this.#accept(accepted);
    });
  }

  #accept(handle: AcceptedHandle): void {
    const isFull = this.#connections.length >= this.engine.limits.maxConnections;
    if (isFull || (handle.fd ?? 0) >= this.#ceiling) {
      handle.close();
      this.engine.onLack(isFull ? 'connections' : 'files');
      return;
    }
    const connection = new ClientConnection(this, handle);
    connection.index = this.#connections.length;
    this.#connections.push(connection);
  }

  get address(): { host: string; port: number } {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return this.#options;
    return { host: address.address, port: address.port };
  }

  get size(): number {
    return this.#connections.length;
  }

  forwardingFor(address: string): Forwarding {
    const known = this.#forwarding.get(address);
    if (known !== undefined) return known;
    if (this.#forwarding.size >= REMEMBERED_ADDRESSES) this.#forwarding.clear();
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    const forwarding = new Forwarding(plain, this.#options);
    this.#forwarding.set(address, forwarding);
    return forwarding;
  }

  left(connection: ClientConnection): void {
    const last = this.#connections.pop()!;
    if (last !== connection) {
      last.index = connection.index;
      this.#connections[connection.index] = last;
    }
    if (this.#connections.length === 0) this.#onIdle?.();
  }

  /** Calls the sessions whose time is up. Backwards: one that leaves is replaced by one already seen. */
  sweep(now: number): void {
    const connections = this.#connections;
    for (let i = connections.length - 1; i >= 0; i--) {
      const session = connections[i]?.session;
      if (session !== undefined && session.deadline <= now) session.expired();
    }
  }

  /**
   * Answers what comes within `limits.lameDuck` as the last one of its connection; then takes no more connections, ends
   * idle ones at once and the others behind their exchange. Resolves when all are gone, or after `patience` ms.
   */
  async drain(patience: number): Promise<void> {
    const { engine } = this;
    const end = engine.touch() + patience;
    await this.#allGone(Math.min(engine.limits.lameDuck, patience));
    this.#server.close();
    for (const connection of [...this.#connections]) connection.session.drain();
    await this.#allGone(end - engine.touch());
  }

  /** Resolves when no connection is open, or after `patience` ms. */
  async #allGone(patience: number): Promise<void> {
    if (this.#connections.length === 0 || patience <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = undefined;
  }

  /** Ends what is left. */
  close(): void {
    this.#server.close();
    for (const connection of [...this.#connections]) connection.destroy();
  }
}
