import { constants, createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.ts';
import { parseClientHello } from '../tcp/client-hello.ts';
import type { CertificateSet, CertificateStore } from './certificate-store.ts';
import type { Keyring } from './keyring.ts';
import { type ServerSide, type Shown, serverSideOf } from './server-side.ts';
import type { CertificateSpec, TlsSettings } from './spec.ts';

export interface TlsAcceptorOptions {
  readonly settings: TlsSettings;
  readonly keyring: Keyring;
  /** The handshake is done: `socket.alpnProtocol` and `socket.servername` say what was agreed upon. */
  readonly onSecure: (socket: TLSSocket) => void;
  /** It failed, or the client gave up: the connection is gone. Of each accepted connection one of the two is told. */
  readonly onFailed: (why: string) => void;
}

/** What authorities offer, and nobody else (RFC 8737 §3). */
const ACME_PROTOCOL = 'acme-tls/1';

/** Each with its length in front (RFC 7301 §3.1). */
function alpnOf(protocols: readonly string[]): Uint8Array {
  return Buffer.concat(protocols.map((name) => Buffer.from([name.length, ...Buffer.from(name, 'latin1')])));
}

const ACME_ALPN = alpnOf([ACME_PROTOCOL]);

interface Handshake {
  readonly deadline: number;
  /** Why it fails, as far as is known. */
  why: string;
}

/** Takes connections through the handshake. It listens nowhere itself: a listener gives it what it accepts. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #store: CertificateStore;
  /** In the handshake, the oldest first. */
  readonly #waiting = new Map<Socket, Handshake>();
  /** As ALPN writes it: made once. */
  readonly #alpn: Uint8Array | undefined;
  #ticketKeys: Uint8Array | undefined;
  #set: CertificateSet;
  #contextOptions: SecureContextOptions;
  #contexts = new WeakMap<CertificateSpec, SecureContext>();
  /** Without a certificate: what a handshake begins with. */
  #bare: SecureContext;

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    this.#store = options.keyring.store(options.settings.store);
    const { alpn } = options.settings;
    this.#alpn = alpn.length === 0 ? undefined : alpnOf(alpn);
    this.#ticketKeys = options.keyring.ticketKeys;
    this.#set = this.#store.current;
    this.#contextOptions = this.#shared();
    this.#bare = createSecureContext(this.#contextOptions);
  }

  /** Connections in the handshake. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Takes over a connection that was just accepted and from which nothing was read. `now`: as in `sweep`. */
  accept(socket: Socket, now: number): void {
    this.#renew();
    const handshake: Handshake = {
      deadline: now + this.#options.settings.handshakeTimeout,
      why: 'the client left during the handshake',
    };
    this.#waiting.set(socket, handshake);
    socket.once('close', () => {
      if (this.#waiting.delete(socket)) this.#options.onFailed(handshake.why);
    });
    // Only while an authority is expected: everybody else's first bytes are looked at meanwhile, which costs them little.
    if (this.#options.keyring.challenges.current.all.length === 0) this.#shake(socket, handshake);
    else this.#look(socket, handshake);
  }

  /** Tells an ACME authority from others by its first bytes, which the handshake gets all the same. */
  #look(raw: Socket, handshake: Handshake): void {
    let seen: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const hello = parseClientHello(seen, 0, seen.length);
      if (hello === 'more') return;
      raw.off('data', onData);
      raw.pause();
      raw.unshift(seen);
      const isChallenge = typeof hello === 'object' && seen.includes(ACME_PROTOCOL);
      this.#shake(raw, handshake, isChallenge ? this.#options.keyring.challenges.current : undefined);
    };
    raw.on('error', ignore);
    raw.on('data', onData);
  }

  /** Ends the handshakes whose time is up. To be called now and then with the present time (ms, of any clock). */
  sweep(now: number): void {
    for (const [socket, handshake] of this.#waiting) {
      if (handshake.deadline > now) return;
      handshake.why = 'the handshake was not done in time';
      socket.destroy();
    }
  }

  /** `challenges`: it is an authority's. */
  #shake(raw: Socket, handshake: Handshake, challenges?: CertificateSet): void {
    const { settings } = this.#options;
    const clientAuth = challenges === undefined ? settings.clientAuth : 'none';
    const alpn = challenges === undefined ? this.#alpn : ACME_ALPN;
    const only = challenges === undefined ? this.#only() : undefined;
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: only ?? this.#bare,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
    });
    const server = serverSideOf(socket);
    if (only === undefined)
      server.chooseCertificate((name) =>
        challenges === undefined ? this.#certificateFor(name) : this.#shownOf(challenges.find(name)),
      );
    socket.on('error', (error) => {
      handshake.why = messageOf(error);
    });
    socket.on('end', () => {
      if (this.#waiting.has(raw)) raw.destroy();
    });
    socket.on('secure', () => {
      server.release();
      if (challenges !== undefined) {
        handshake.why = 'an ACME authority has seen what it wanted';
        socket.end();
        return;
      }
      const problem = this.#problemOf(socket, server);
      if (problem === undefined) {
        this.#waiting.delete(raw);
        this.#options.onSecure(socket);
        return;
      }
      handshake.why = problem;
      socket.destroy();
    });
  }

  /** Ends the connections that are in the handshake. */
  close(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }

  /** Takes what was swapped since. Handshakes that are under way keep the context they began with. */
  #renew(): void {
    const { ticketKeys } = this.#options.keyring;
    const { current } = this.#store;
    const old = this.#set;
    if (current === old && ticketKeys === this.#ticketKeys) return;
    this.#set = current;
    if (current.clientCa === old.clientCa && ticketKeys === this.#ticketKeys) return;
    this.#ticketKeys = ticketKeys;
    this.#contextOptions = this.#shared();
    this.#contexts = new WeakMap();
    this.#bare = createSecureContext(this.#contextOptions);
  }

  /** What a client that asks for a name ("": for none) is shown; undefined: nothing, and the handshake fails. */
  #certificateFor(name: string): Shown | undefined {
    const set = this.#store.current;
    return this.#shownOf(set.find(name) ?? (this.#options.settings.strict ? undefined : set.fallback));
  }

  /** When there is but one certificate everybody is shown it: then nothing has to be chosen in the midst of a handshake. */
  #only(): SecureContext | undefined {
    const { all } = this.#set;
    const [certificate] = all;
    if (certificate === undefined || all.length > 1 || certificate.staple !== undefined) return undefined;
    return this.#options.settings.strict ? undefined : this.#contextOf(certificate);
  }

  #shownOf(certificate: CertificateSpec | undefined): Shown | undefined {
    if (certificate === undefined) return undefined;
    return { context: this.#contextOf(certificate), staple: certificate.staple };
  }

  #contextOf(certificate: CertificateSpec): SecureContext {
    let context = this.#contexts.get(certificate);
    if (context === undefined) {
      const { chain: cert, key } = certificate;
      context = createSecureContext({ ...this.#contextOptions, cert, key });
      this.#contexts.set(certificate, context);
    }
    return context;
  }

  /** Why a client that has finished the handshake is refused. */
  #problemOf(socket: TLSSocket, server: ServerSide): string | undefined {
    const { clientAuth } = this.#options.settings;
    // A certificate that is not valid is worse than none, also where none is needed: its owner believes to be known.
    if (clientAuth === 'none' || (clientAuth === 'optional' && !hasCertificate(socket))) return undefined;
    const problem = server.verifyError();
    return problem === undefined ? undefined : `the client's certificate is not valid: ${problem}`;
  }

  /** What the contexts of all certificates have in common. */
  #shared(): SecureContextOptions {
    const { minVersion, maxVersion, ciphers, curves, clientAuth, tickets } = this.#options.settings;
    const { clientCa } = this.#set;
    return {
      minVersion,
      maxVersion,
      honorCipherOrder: true,
      // A session that began under other rules for clients is not resumed.
      sessionIdContext: createHash('sha256')
        .update(JSON.stringify([clientAuth, clientCa]))
        .digest('hex')
        .slice(0, 32),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(curves === undefined ? {} : { ecdhCurve: curves }),
      ...(clientAuth === 'none' ? {} : { ca: [...clientCa] }),
      ...(this.#ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(this.#ticketKeys) }),
      // Handshakes on an open connection are of no use and cost as much as new ones.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (tickets ? 0 : constants.SSL_OP_NO_TICKET),
    };
  }
}

function hasCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0;
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
