import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Target, TargetTls } from '../../balance/balancer.ts';
import { descriptorOf } from '../../lib/sockets.ts';
import { lookUp } from '../look-up.ts';
import { openFiles } from '../open-files.ts';
import { cipherList } from './ciphers.ts';

/** Sessions kept for resumption, per settings; then it begins anew. */
const MOST_SESSIONS = 4_096;

export interface Reader {
  readonly buffer: Buffer;
  readonly received: (length: number) => void;
}

/** Settings that are remembered; then it begins anew. */
const MOST_MANNERS = 256;

/** What connections with the same settings share. */
interface Manner {
  readonly context: SecureContext;
  /**
   * By name and address. Resuming a session skips the verification of the instance, so a session never serves other
   * settings than those it began with.
   */
  readonly sessions: Map<string, Buffer>;
}

/** Opens TLS connections to instances. */
export class Dialer {
  /** By content: each route that is compiled brings objects of its own. */
  readonly #manners = new Map<string, Manner>();
  readonly #known = new WeakMap<TargetTls, Manner>();

  /**
   * A connection whose event `secureConnect` says that the instance has shown who it is; otherwise it ends in an error.
   * With a reader what comes goes into its buffer.
   */
  connect(target: Target, tls: TargetTls, reader?: Reader): TLSSocket {
    const { host, port } = target;
    const { context, sessions } = this.#mannerOf(tls);
    const name = tls.serverName ?? host;
    const key = `${name} ${host} ${port}`;
    const session = sessions.get(key);
    const options = {
      host,
      port,
      lookup: lookUp.lookup,
      allowHalfOpen: true,
      secureContext: context,
      rejectUnauthorized: tls.verify,
      // SNI has no place for an address (RFC 6066 §3); the certificate is held against the host then.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
      ...(session === undefined ? {} : { session }),
      ...(reader === undefined ? {} : { onread: { buffer: reader.buffer, callback: reading(reader) } }),
    };
    const socket = connect(options);
    socket.setNoDelay(true);
    socket.once('connect', () => {
      const [descriptor = 0] = descriptorOf(socket);
      if (openFiles.areLeftForInstances(descriptor)) return;
      socket.destroy(Object.assign(new Error('too many open files'), { code: 'EMFILE' }));
    });
    socket.on('session', (fresh: Buffer) => {
      if (sessions.size >= MOST_SESSIONS) sessions.clear();
      sessions.set(key, fresh);
    });
    return socket;
  }

  #mannerOf(tls: TargetTls): Manner {
    const known = this.#known.get(tls);
    if (known !== undefined) return known;
    const content = JSON.stringify(tls);
    let manner = this.#manners.get(content);
    if (manner === undefined) {
      const { ca, cert, key, minVersion, maxVersion } = tls;
      const ciphers = cipherList(minVersion, tls.ciphers);
      const context = createSecureContext({
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(minVersion === undefined ? {} : { minVersion }),
        ...(maxVersion === undefined ? {} : { maxVersion }),
        ...(ciphers === undefined ? {} : { ciphers }),
      });
      if (this.#manners.size >= MOST_MANNERS) this.#manners.clear();
      manner = { context, sessions: new Map() };
      this.#manners.set(content, manner);
    }
    this.#known.set(tls, manner);
    return manner;
  }
}

function reading({ received }: Reader): (length: number) => boolean {
  return (length) => {
    received(length);
    return true;
  };
}
