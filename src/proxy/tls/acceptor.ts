import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { extend } from '../../lib/extend.ts';
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { type Accepted, type Before, NOTHING_BEFORE, socketOf } from '../net/accepted.ts';
import { type Opening, OpeningReader } from '../net/opening-reader.ts';
import { HelloScan } from '../tcp/client-hello.ts';
import { type HandshakeEvents, shakeByHandle, shakeBySocket } from './handshake.ts';
import type { Keyring } from './keyring.ts';
import { isLayered } from './secure-handle.ts';
import type { Secured } from './secured.ts';
import { ACME_PROTOCOL, ServerContexts } from './server-contexts.ts';
import type { TlsSettings } from './spec.ts';

export interface TlsAcceptorOptions {
  readonly settings: TlsSettings;
  readonly keyring: Keyring;
  /** The handshake is done: to be taken over before it returns. `before`: as it was given. */
  readonly onSecure: (secured: Secured, before: Before) => void;
  /** It failed, or the client gave up: the connection is gone. Of each accepted connection one of the two is told. */
  readonly onFailed: (why: string) => void;
}

const LEFT = 'the client left during the handshake';

interface Waiting {
  readonly deadline: number;
  /** Why it fails, as far as is known. */
  why: string;
  end(): void;
}

/** Takes connections through the handshake. It listens nowhere itself: a listener gives it what it accepts. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #contexts: ServerContexts;
  /** In the handshake, the oldest first. */
  readonly #waiting = new Set<Waiting>();
  readonly #looking: OpeningReader<Seen>;

  constructor(options: TlsAcceptorOptions) {
    const { settings, keyring, onFailed } = options;
    this.#options = options;
    this.#contexts = new ServerContexts(settings, keyring);
    this.#looking = new OpeningReader({
      timeout: settings.handshakeTimeout,
      onRead: (connection, { isChallenge, ...before }, deadline) => {
        if (isChallenge) this.#show(connection, before, deadline);
        else this.#shake(connection, before, deadline);
      },
      onGone: () => onFailed(LEFT),
    });
  }

  /** Connections in the handshake. */
  get pending(): number {
    return this.#waiting.size + this.#looking.pending;
  }

  /** Takes over a connection that nobody reads. `now`: as in `sweep`. */
  accept(connection: Accepted, now: number, before = NOTHING_BEFORE): void {
    const { settings, keyring } = this.#options;
    // Only while an authority is expected: everybody else's first bytes are looked at meanwhile, which costs them little.
    if (keyring.challenges.current.all.length === 0)
      this.#shake(connection, before, now + settings.handshakeTimeout);
    else this.#looking.accept(connection, new Look(before), now, before.bytes);
  }

  /** Ends the handshakes whose time is up. To be called now and then with the present time (ms, of any clock). */
  sweep(now: number): void {
    this.#looking.sweep(now);
    for (const waiting of this.#waiting) {
      if (waiting.deadline > now) return;
      waiting.why = 'the handshake was not done in time';
      waiting.end();
    }
  }

  /** Ends the connections that are in the handshake. */
  close(): void {
    this.#looking.close();
    for (const waiting of this.#waiting) waiting.end();
  }

  #shake(connection: Accepted, before: Before, deadline: number): void {
    const { bytes } = before;
    const { rules } = this.#contexts;
    const waiting: Waiting = { deadline, why: LEFT, end() {} };
    const events = this.#eventsOf(waiting, (secured) => {
      this.#waiting.delete(waiting);
      this.#options.onSecure(secured, before);
    });
    waiting.end =
      isLayered && !(connection instanceof Socket)
        ? shakeByHandle(connection, bytes, rules, events)
        : shakeBySocket(socketOf(connection), bytes, rules, events);
  }

  /** Shows an ACME authority what it wants to see, and nothing else. */
  #show(connection: Accepted, { bytes }: Before, deadline: number): void {
    const waiting: Waiting = { deadline, why: LEFT, end() {} };
    const events = this.#eventsOf(waiting, (secured) => {
      waiting.why = 'an ACME authority has seen what it wanted';
      (secured as TLSSocket).end();
    });
    waiting.end = shakeBySocket(socketOf(connection), bytes, this.#contexts.challengeRules(), events);
  }

  #eventsOf(waiting: Waiting, secure: HandshakeEvents['secure']): HandshakeEvents {
    this.#waiting.add(waiting);
    return {
      secure,
      failing: (why) => {
        waiting.why = why;
      },
      closed: () => {
        if (this.#waiting.delete(waiting)) this.#options.onFailed(waiting.why);
      },
    };
  }
}

interface Seen extends Before {
  readonly isChallenge: boolean;
}

/** Tells an ACME authority from others by its hello, which the handshake gets all the same. */
class Look implements Opening<Seen> {
  readonly #before: Before;
  readonly #seen = new GrowingBuffer();
  readonly #hello = new HelloScan();

  constructor(before: Before) {
    this.#before = before;
  }

  read(piece: Buffer): Seen | 'more' {
    this.#seen.append(piece);
    const { bytes } = this.#seen;
    const hello = this.#hello.scan(bytes);
    if (hello === 'more') return 'more';
    const isChallenge = typeof hello === 'object' && bytes.includes(ACME_PROTOCOL);
    return extend(this.#before, { isChallenge, bytes });
  }
}
