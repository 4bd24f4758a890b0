/** For tests: a proxy behind TLS, clients of it, and backends in clear text or behind TLS. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { afterAll, afterEach } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { routeTo } from '../fixtures.ts';
import type { HttpsListenerSpec, ListenAddress } from '../listener-spec.ts';
import { ProxyServer, type ProxyServerOptions } from '../net/server.ts';
import { readCertificate } from './certificate.ts';
import { Authority, type Pair } from './fixtures.ts';
import { Keyring } from './keyring.ts';
import { DEFAULT_TLS, type TlsSettings } from './spec.ts';

export const authority = new Authority();
export const stranger = new Authority('Stranger');
afterAll(() => {
  authority.remove();
  stranger.remove();
});
export const web = authority.issue({ names: ['web.test', '127.0.0.1'] });
export const api = authority.issue({ names: ['api.test', '*.api.test'], kind: 'rsa' });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export const specOf = (...pairs: Pair[]) =>
  pairs.map((pair, i) => readCertificate({ place: `${i}`, ...pair }));

export interface SecureProxy {
  readonly server: ProxyServer;
  readonly address: ListenAddress;
  readonly keyring: Keyring;
}

export async function proxy(
  targets: readonly Target[],
  settings: Partial<TlsSettings> = {},
  options: Partial<ProxyServerOptions> = {},
  spec: Partial<HttpsListenerSpec> = {},
): Promise<SecureProxy> {
  const keyring = new Keyring();
  keyring.store('default').replace({ certificates: specOf(web, api), clientCa: [authority.cert] });
  const server = new ProxyServer({ routes: routeTo(targets), keyring, ...options });
  closers.push(() => server.stop());
  const tls = { ...DEFAULT_TLS, ...settings };
  const place = { id: 'web', host: '127.0.0.1', port: 0 };
  const address = await server.open({ ...place, protocol: 'https', tls, ...spec });
  return { server, address, keyring };
}

/** A backend whose connections are handled by `serve`. */
export async function backend(
  serve: (socket: Socket) => void,
  tls?: Pair & { ca?: string } & Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'>,
): Promise<number> {
  const handle = (socket: Socket) => {
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    serve(socket);
  };
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, handle)
      : createTlsServer({ ...tls, ...(tls.ca === undefined ? {} : { requestCert: true }) }, handle);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as { port: number }).port;
}

/** Answers every request with its name. */
export const named = (name: string) => (socket: Socket) => {
  socket.on('data', (chunk) => {
    for (const _ of chunk.toString('latin1').matchAll(/\r\n\r\n/g))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
  });
  socket.on('end', () => socket.end());
};

/** A client that collects what comes. */
export class Client {
  text = '';
  readonly socket: TLSSocket;

  constructor({ address }: SecureProxy, options: ConnectionOptions = {}) {
    this.socket = connect({ ...address, servername: 'web.test', ca: authority.cert, ...options });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('error', () => {});
    closers.push(() => this.socket.destroy());
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async until(pattern: RegExp): Promise<string> {
    const closed = once(this.socket, 'close');
    while (!pattern.test(this.text)) {
      if (this.socket.closed) throw new Error(`closed after: ${this.text}`);
      await Promise.race([once(this.socket, 'data'), closed]);
    }
    return this.text;
  }

  /** The name on the certificate that the proxy showed. */
  async shown(): Promise<string> {
    await once(this.socket, 'secureConnect');
    return String(this.socket.getPeerCertificate().subject.CN);
  }
}

/** How a connection ends that should not stand. */
export async function failure(given: SecureProxy, options: ConnectionOptions): Promise<string> {
  const socket = connect({ ...given.address, servername: 'web.test', ca: authority.cert, ...options });
  closers.push(() => socket.destroy());
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.message));
    socket.on('close', () => resolve('closed'));
    // In TLS 1.3 a client is done before the server has seen its certificate.
    socket.on('data', () => resolve('answered'));
    socket.write(GET);
  });
}

export const GET = 'GET / HTTP/1.1\r\nHost: x.test\r\n\r\n';

/** Asks again and again. */
export async function until(ask: () => boolean): Promise<void> {
  while (!ask()) await new Promise((resolve) => setTimeout(resolve, 5));
}
