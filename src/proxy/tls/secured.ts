/** A connection behind its handshake, and what was agreed upon in it. */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SUITE_NUMBERS } from '../../lib/cipher-suites.ts';
import type { SecureHandle } from './secure-handle.ts';

/** By its handles alone, or in the documented way. */
export type Secured = SecureHandle | TLSSocket;

/** For Node's own HTTP, which needs one. To be called in the turn in which the handshake ends. */
export function socketOver(secured: Secured): Socket {
  if (secured instanceof TLSSocket) return secured;
  const socket = new Socket({ handle: secured, allowHalfOpen: true, manualStart: true } as {
    allowHalfOpen: boolean;
  });
  secured.onerror = (error) => socket.destroy(error);
  return socket;
}

/** By ALPN; "" for nothing. */
export function protocolOf(secured: Secured): string {
  const agreed = secured instanceof TLSSocket ? secured.alpnProtocol : secured.getALPNNegotiatedProtocol();
  return typeof agreed === 'string' ? agreed : '';
}

/** The name that the client asked for, in lower case; "" for none. */
export function serverNameOf(secured: Secured): string {
  const name =
    secured instanceof TLSSocket
      ? (secured as { servername?: string | false | null }).servername
      : secured.getServername();
  return typeof name === 'string' ? name.toLowerCase() : '';
}

const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1: 'tls10',
  'TLSv1.1': 'tls11',
  'TLSv1.2': 'tls12',
  'TLSv1.3': 'tls13',
};

/** The extensions of Forwarded that fabio writes: version and suite. */
export function securityOf(secured: Secured): string {
  const version = VERSIONS[secured.getProtocol() ?? ''];
  const suite = SUITE_NUMBERS[secured.getCipher()?.standardName ?? ''];
  return `${version === undefined ? '' : `; tlsver=${version}`}${suite === undefined ? '' : `; tlscipher=${suite}`}`;
}
