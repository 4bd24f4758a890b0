/**
 * Links between nodes: TLS 1.3 with a key that both sides must have (RFC 8446, 4.2.11). There are no certificates:
 * who has not the key gets no answer but a refusal, and what goes over the wire cannot be read later by who learns
 * the key.
 */
import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { listenError, messageOf } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { Keyring } from './keyring.ts';

/** What a link is for, told in the handshake (ALPN). */
export const PURPOSES = { rpc: 'muster-rpc/1', lines: 'muster-lines/1', peer: 'muster-peer/1' } as const;
export type Purpose = keyof typeof PURPOSES;

/** Keys of 32 bytes go with SHA-256; the last word lets the library offer keys at all. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:PSK+HIGH';
/** No resumption: a link is made rarely, and nothing of it can be used twice. */
const COMMON = {
  ciphers: CIPHERS,
  minVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** A handshake takes some round trips; those who only open connections must not hold them. In ms. */
const HANDSHAKE_TIMEOUT = 3_000;
/** Connections that are not through the handshake at a time, all together and from one address. */
const MAX_HANDSHAKES = 512;
const MAX_HANDSHAKES_PER_ADDRESS = 64;
/** All links of a node: agents keep one or two to a server. */
const MAX_LINKS = 30_000;
/** Refusals of one address are logged once in so many ms. */
const LOG_AGAIN = 60_000;
/** Addresses that are remembered for that. */
const MAX_LOGGED = 1_000;
const KEEP_ALIVE = 5_000;

export interface LinkServer {
  readonly address: HostPort;
  /** Connections that were refused, since the start. */
  readonly refused: () => number;
  /** Links that stand now. */
  readonly links: () => number;
  /** Ends all links. Idempotent. */
  stop(): Promise<void>;
}

/** Takes links on `host:port`. Rejects with `listen.*`. */
export async function listenLinks({
  host,
  port,
  keyring,
  logger,
  handlers,
}: {
  host: string;
  port: number;
  keyring: Keyring;
  logger: Logger;
  handlers: Partial<Record<Purpose, (socket: TLSSocket) => void>>;
}): Promise<LinkServer> {
  const links = new Set<TLSSocket>();
  /** Connections that are not through the handshake, by where they come from; and how many of one address. */
  const shaking = new Map<string, Socket>();
  const shakingOf = new Map<string, number>();
  const logged = new Map<string, number>();
  let refused = 0;

  const refuse = (address: string, why: string) => {
    refused++;
    const now = Date.now();
    if (now - (logged.get(address) ?? Number.NEGATIVE_INFINITY) < LOG_AGAIN) return;
    if (logged.size >= MAX_LOGGED) logged.clear();
    logged.set(address, now);
    logger.warn('a connection was refused', { from: address, why });
  };

  const server = createServer({
    ...COMMON,
    ALPNProtocols: Object.values(PURPOSES),
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    pskCallback: (_socket, name) => keyring.secretOf(name) ?? null,
  });
  server.maxConnections = MAX_LINKS;
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const own = shakingOf.get(address) ?? 0;
    socket.on('error', () => {});
    if (shaking.size >= MAX_HANDSHAKES || own >= MAX_HANDSHAKES_PER_ADDRESS) {
      refuse(address, 'too many connections that do not get on with the handshake');
      socket.destroy();
      return;
    }
    const from = placeOf(socket);
    shaking.set(from, socket);
    shakingOf.set(address, own + 1);
    socket.once('close', () => shaken(from, address));
  });
  const shaken = (from: string, address: string) => {
    if (!shaking.delete(from)) return;
    const left = (shakingOf.get(address) ?? 1) - 1;
    if (left > 0) shakingOf.set(address, left);
    else shakingOf.delete(address);
  };
  server.on('secureConnection', (link) => {
    shaken(placeOf(link), link.remoteAddress ?? '');
    link.on('error', () => {});
    const purpose = (Object.keys(PURPOSES) as Purpose[]).find((one) => PURPOSES[one] === link.alpnProtocol);
    const handle = purpose === undefined ? undefined : handlers[purpose];
    if (handle === undefined) {
      link.destroy();
      return;
    }
    links.add(link);
    link.once('close', () => links.delete(link));
    link.setNoDelay(true);
    link.setKeepAlive(true, KEEP_ALIVE);
    handle(link);
  });
  server.on('tlsClientError', (error, link) => {
    // Without an address it is gone already, by its own choice or by ours.
    if (link.remoteAddress !== undefined) refuse(link.remoteAddress, reason(error));
    link.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(listenError('the links between nodes', formatHostPort(host, port), cause)),
    );
    server.listen(port, host, resolve);
  });
  server.on('error', (error) => logger.error(`links: ${messageOf(error)}`));
  const bound = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    address: { host: bound.address, port: bound.port },
    refused: () => refused,
    links: () => links.size,
    stop() {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const link of links) link.destroy();
        for (const socket of shaking.values()) socket.destroy();
      });
      return stopping;
    },
  };
}

/** A TLS socket and the one below it are the same connection. */
function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function reason(error: Error & { code?: string }): string {
  if (error.code === 'ERR_SSL_BINDER_DOES_NOT_VERIFY') return 'it has another key';
  if (error.code === 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM') return 'it has no key of this cluster';
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'it did not get on with the handshake';
  return `it does not speak the protocol of links (${error.code ?? error.message})`;
}

/**
 * Makes a link. Rejects when there is none within `timeout` ms. The other side has shown that it has the key when
 * this resolves.
 */
export function dialLink(
  { host, port }: HostPort,
  purpose: Purpose,
  { keyring, timeout }: { keyring: Keyring; timeout: number },
): Promise<TLSSocket> {
  const { name, secret } = keyring.primary;
  return new Promise((resolve, reject) => {
    const link = connect({
      ...COMMON,
      host,
      port,
      ALPNProtocols: [PURPOSES[purpose]],
      pskCallback: () => ({ psk: secret, identity: name }),
      // There is no certificate to look at: without the key the handshake fails.
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => link.destroy(new Error(`no link within ${timeout} ms`)), timeout);
    link.once('secureConnect', () => {
      clearTimeout(timer);
      link.off('error', reject);
      link.on('error', () => {});
      if (link.alpnProtocol !== PURPOSES[purpose]) {
        link.destroy();
        reject(new Error('the other side offers no such link'));
        return;
      }
      link.setNoDelay(true);
      link.setKeepAlive(true, KEEP_ALIVE);
      resolve(link);
    });
    link.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    link.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the link was closed'));
    });
  });
}
