/**
 * Links between nodes: TLS 1.3 with a key that both sides must have (RFC 8446, 4.2.11). There are no certificates:
 * who has not the key gets no answer but a refusal, and what goes over the wire cannot be read later by who learns
 * the key.
 */
import { constants } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { listenError, messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { Keyring } from './keyring.ts';
import { Refusals } from './refusals.ts';

/** What a link is for, told in the handshake (ALPN). */
export const PURPOSES = { rpc: 'muster-rpc/1', lines: 'muster-lines/1', peer: 'muster-peer/1' } as const;
export type Purpose = keyof typeof PURPOSES;

/** Keys of 32 bytes go with SHA-256; the last word lets the library offer keys at all. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:PSK+HIGH';
/** No resumption: a link is made rarely, and nothing of it can be used twice. No authority can vouch for anybody. */
const COMMON = {
  ciphers: CIPHERS,
  ca: [] as string[],
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
const KEEP_ALIVE = 5_000;
const TOO_MANY = 'too many connections that do not get on with the handshake';

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
  clock,
  handlers,
  handshakeTimeout = HANDSHAKE_TIMEOUT,
}: {
  host: string;
  port: number;
  keyring: Keyring;
  logger: Logger;
  clock: Pick<Clock, 'now'>;
  handlers: Partial<Record<Purpose, (socket: TLSSocket) => void>>;
  handshakeTimeout?: number;
}): Promise<LinkServer> {
  const links = new Set<TLSSocket>();
  /** Connections that are not through the handshake, by where they come from; and how many of one address. */
  const shaking = new Map<string, Socket>();
  const shakingOf = new Map<string, number>();
  const refusals = new Refusals(logger, clock);

  const server = createTlsServer({
    ...COMMON,
    ALPNProtocols: Object.values(PURPOSES),
    handshakeTimeout,
    pskCallback: (_socket, name) => keyring.secretOf(name) ?? null,
  });
  // Before anything is done for TLS: to refuse thousands must cost little.
  const door = createServer((socket) => {
    const address = socket.remoteAddress ?? '';
    const own = shakingOf.get(address) ?? 0;
    socket.on('error', () => {});
    if (own >= MAX_HANDSHAKES_PER_ADDRESS) {
      refusals.note(address, TOO_MANY);
      socket.destroy();
      return;
    }
    // A node is through within milliseconds: who is the oldest has least to lose.
    if (shaking.size >= MAX_HANDSHAKES) {
      const [[oldest, held] = ['', socket]] = shaking;
      const from = held.remoteAddress ?? '';
      refusals.note(from, TOO_MANY);
      shaken(oldest, from);
      held.destroy();
    }
    const from = placeOf(socket);
    shaking.set(from, socket);
    shakingOf.set(address, own + 1);
    socket.once('close', () => shaken(from, address));
    server.emit('connection', socket);
  });
  door.maxConnections = MAX_LINKS;
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
    if (link.remoteAddress !== undefined) refusals.note(link.remoteAddress, reason(error));
    link.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    door.once('error', (cause) =>
      reject(listenError('the links between nodes', formatHostPort(host, port), cause)),
    );
    door.listen(port, host, resolve);
  });
  door.on('error', (error) => logger.error(`links: ${messageOf(error)}`));
  const bound = door.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    address: { host: bound.address, port: bound.port },
    refused: () => refusals.count,
    links: () => links.size,
    stop() {
      stopping ??= new Promise((resolve) => {
        door.close(() => resolve());
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

/** Of one that dials: what it is told by a node that does not know its key, or knows another one by this name. */
const REFUSED = new Set([
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR',
  'ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER',
]);
const OTHER_KEY = 'the node there has another key: all nodes of a cluster are given the same with -encrypt';

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
      // There is nothing to look at when the other side has the key; who shows a certificate did without it.
      checkServerIdentity: (_host, { raw }) =>
        raw === undefined ? undefined : new Error('the other side shows a certificate instead of the key'),
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
    link.once('error', (error: Error & { code?: string }) => {
      clearTimeout(timer);
      reject(REFUSED.has(error.code ?? '') ? new Error(OTHER_KEY, { cause: error }) : error);
    });
    link.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the link was closed'));
    });
  });
}
