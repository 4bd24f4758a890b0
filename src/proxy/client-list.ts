import type { Farewell } from './farewell.ts';
import type { Engine } from './http1/engine.ts';

/** What a list asks of a connection's session, whatever it speaks. */
export interface ListedSession {
  /** When `expired` is to be called (engine time); Infinity: never. */
  readonly deadline: number;
  /** Nothing has come on it yet: who has just connected is about to ask, or has asked and was not read. */
  readonly isNew?: boolean;
  expired(): void;
  /** It drains: nothing is to be said before its next answer, unless it speaks a protocol that can say so now. */
  announceEnd?(): void;
  /** What is under way may end; nothing more is begun. */
  drain(): void;
}

/** What all connections of a list have in common. */
export interface ListedFrontend {
  draining: boolean;
  /** `lameDuck`: how long new ones are still taken while it drains (ms). */
  readonly limits: { readonly lameDuck: number };
}

/** How a listener stops. */
export interface Door {
  /** Takes no more connections; those that are on their way in come until it resolves. Idempotent. */
  stopAccepting(): void | Promise<void>;
  /** Connections of which nobody knows yet what they want: they are in a handshake, or behind a PROXY header. */
  early(): number;
  endEarly(): void;
}

/** How often (ms) a listener that is replaced looks whether anybody is in a handshake. */
const EARLY_LOOK = 50;

export interface ListedClient {
  readonly session: ListedSession;
  /** Place in the list; only the list sets it. */
  index: number;
  destroy(): void;
}

/** The client connections of a listener, of any kind and transport: their deadlines and their end. */
export class ClientList<Client extends ListedClient> {
  readonly #engine: Pick<Engine, 'touch'>;
  readonly #frontend: ListedFrontend;
  readonly #clients: Client[] = [];
  #onIdle: (() => void) | undefined;

  constructor(engine: Pick<Engine, 'touch'>, frontend: ListedFrontend) {
    this.#engine = engine;
    this.#frontend = frontend;
  }

  get size(): number {
    return this.#clients.length;
  }

  add(client: Client): void {
    client.index = this.#clients.length;
    this.#clients.push(client);
    // It was in a handshake when the others were told.
    if (this.#frontend.draining) client.session.announceEnd?.();
  }

  left(client: Client): void {
    const last = this.#clients.pop()!;
    if (last !== client) {
      last.index = client.index;
      this.#clients[client.index] = last;
    }
    if (this.#clients.length === 0) this.#onIdle?.();
  }

  /** Calls the sessions whose time is up. Backwards: one that leaves is replaced by one already seen. */
  sweep(now: number): void {
    const clients = this.#clients;
    for (let i = clients.length - 1; i >= 0; i--) {
      const session = clients[i]?.session;
      if (session !== undefined && session.deadline <= now) session.expired();
    }
  }

  /**
   * Answers what comes within `limits.lameDuck` as the last one of its connection; then takes no more connections, ends
   * idle ones at once, new ones when they have not asked within `limits.lameDuck` either, and the others behind their exchange. Resolves
   * when all are gone, or after `patience` ms.
   */
  async drain({ patience, isReplaced }: Farewell, door: Door): Promise<void> {
    const frontend = this.#frontend;
    const engine = this.#engine;
    frontend.draining = true;
    const end = engine.touch() + patience;
    for (const client of [...this.#clients]) client.session.announceEnd?.();
    if (isReplaced) {
      await door.stopAccepting();
      // Whoever is in a handshake has come to us; `left` is not told of them.
      while (door.early() > 0 && engine.touch() < end) await this.#pause(EARLY_LOOK);
      await this.#allGone(end - engine.touch());
    } else await this.#allGone(Math.min(frontend.limits.lameDuck, patience));
    await door.stopAccepting();
    door.endEarly();
    const isQuiet = ({ session }: Client): boolean => session.isNew !== true;
    for (const client of this.#clients.filter(isQuiet)) client.session.drain();
    if (!this.#clients.every(isQuiet))
      await this.#allGone(Math.min(frontend.limits.lameDuck, end - engine.touch()));
    for (const client of [...this.#clients]) client.session.drain();
    await this.#allGone(isReplaced ? frontend.limits.lameDuck : end - engine.touch());
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Resolves when no connection is open, or after `patience` ms. */
  async #allGone(patience: number): Promise<void> {
    if (this.#clients.length === 0 || patience <= 0) return;
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
    for (const client of [...this.#clients]) client.destroy();
  }
}
