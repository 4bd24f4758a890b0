import type { TLSSocket } from 'node:tls';
import { readInto } from '../net/native-stream.ts';
import { type OpenWire, tell } from '../net/wire.ts';
import { SecureSender } from './secure-stream.ts';
import { rawSocketOf } from './server-side.ts';

/** A client's connection behind its handshake. To be opened in the turn in which the handshake ends. */
export function secureWire(socket: TLSSocket, buffer: Buffer): OpenWire {
  return (events) => {
    tell(socket, events);
    const sender = new SecureSender(socket, () => events.drained());
    sender.open();
    const flow = readInto(socket, buffer, (length) => events.received(length));
    return {
      ...flow,
      socket,
      sender,
      begin: () => void socket.resume(),
      security: securityOf(socket),
      // A TLS socket cannot be reset itself; the one below it can, and takes it along.
      reset: () => void (rawSocketOf(socket) ?? socket).resetAndDestroy(),
    };
  };
}

const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1: 'tls10',
  'TLSv1.1': 'tls11',
  'TLSv1.2': 'tls12',
  'TLSv1.3': 'tls13',
};

/** Numbers of the suites that are in use (IANA's registry). */
const SUITES: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: '0x1301',
  TLS_AES_256_GCM_SHA384: '0x1302',
  TLS_CHACHA20_POLY1305_SHA256: '0x1303',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: '0xc02b',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: '0xc02c',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: '0xc02f',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: '0xc030',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: '0xcca8',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: '0xcca9',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: '0xc009',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: '0xc00a',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: '0xc013',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: '0xc014',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: '0xc027',
  TLS_RSA_WITH_AES_128_GCM_SHA256: '0x009c',
  TLS_RSA_WITH_AES_256_GCM_SHA384: '0x009d',
  TLS_RSA_WITH_AES_128_CBC_SHA: '0x002f',
  TLS_RSA_WITH_AES_256_CBC_SHA: '0x0035',
};

/** The extensions of Forwarded that fabio writes: version and suite. */
export function securityOf(socket: TLSSocket): string {
  const version = VERSIONS[socket.getProtocol() ?? ''];
  const suite = SUITES[socket.getCipher()?.standardName ?? ''];
  return `${version === undefined ? '' : `; tlsver=${version}`}${suite === undefined ? '' : `; tlscipher=${suite}`}`;
}
