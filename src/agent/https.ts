/** The HTTP API over TLS: the same server, behind a handshake. */
import { createServer, type Socket } from 'node:net';
import type { Api } from '../api/server.ts';
import { listenError } from '../errors.ts';
import { type Clock, steady } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Sockets } from '../lib/sockets.ts';
import { Certificates } from '../proxy/certificates/certificates.ts';
import { TlsAcceptor } from '../proxy/tls/acceptor.ts';
import { Keyring } from '../proxy/tls/keyring.ts';
import { socketOver } from '../proxy/tls/secured.ts';
import { DEFAULT_TLS } from '../proxy/tls/spec.ts';

export interface HttpsOptions {
  readonly api: Pick<Api, 'accept'>;
  readonly host: string;
  readonly port: number;
  /** PEM files, read again when they change. */
  readonly cert: string;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Clients have to show a certificate by one of `clientCa`. */
  readonly verifyIncoming: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Those of the process. */
  readonly sockets: Sockets;
}

export interface Https {
  readonly address: HostPort;
  /**
   * Takes no more connections: another process has the socket. Handshakes go on. Resolves when there are no connections any more,
   * those that the API has got included.
   */
  leave(): Promise<void>;
  /** Takes no more connections. Those behind their handshake are the API's, which ends them. Idempotent. */
  stop(): void;
}

/** Connections at a time, as of the HTTP API in clear text. */
const MOST_CONNECTIONS = 60_000;
/** How often (ms) handshakes that take too long are looked for, and files that changed. */
const SWEEP = 1_000;
const REFRESH = 3_000;
/** How long (ms) the start waits for the certificate. */
const PATIENCE = 3_000;

/** Answers with where. Rejects with `listen.*`. */
export async function startHttps(options: HttpsOptions): Promise<Https> {
  const { sockets, api, host, port, cert, key, clientCa, verifyIncoming, clock, log } = options;
  const steadily = steady(clock);
  const keyring = new Keyring();
  const certificates = new Certificates({
    stores: new Map([[DEFAULT_TLS.store, [{ kind: 'file', cert, key, clientCa, refresh: REFRESH }]]]),
    clock,
    log,
    publish: (store, spec) => keyring.store(store).replace(spec),
  });
  const acceptor = new TlsAcceptor({
    settings: { ...DEFAULT_TLS, clientAuth: verifyIncoming ? 'required' : 'none' },
    keyring,
    onSecure: (secured) => api.accept(socketOver(secured)),
    onFailed: (why) => log.debug('handshake failed', { why }),
  });
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket: Socket) =>
    acceptor.accept(socket, steadily.now()),
  );
  server.maxConnections = MOST_CONNECTIONS;
  try {
    await certificates.ready(PATIENCE);
    await sockets.listen(server, { host, port }).catch((cause: unknown) => {
      throw listenError('the HTTPS API', formatHostPort(host, port), cause);
    });
  } catch (error) {
    certificates.stop();
    throw error;
  }
  const timer = setInterval(() => acceptor.sweep(steadily.now()), SWEEP);
  timer.unref();
  const bound = server.address() as { address: string; port: number };
  return {
    address: { host: bound.address, port: bound.port },
    leave: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
    stop() {
      clearInterval(timer);
      certificates.stop();
      acceptor.close();
      server.close();
    },
  };
}
