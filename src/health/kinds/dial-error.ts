import { messageOf } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';

const SYSTEM_TEXTS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EMFILE: 'too many open files',
  EPIPE: 'broken pipe',
};

/** OpenSSL's word for an answer that is no TLS. */
const NO_TLS = 'wrong version number';

/** Of an error of OpenSSL what is of use: the rest of it is a thread, a function, and a line of its source. */
function tlsReason(error: unknown): string | undefined {
  return /error:[0-9A-F]{8}:SSL routines:[^:]*:([^:]+):/.exec(messageOf(error))?.[1];
}

/** Whether somebody who was asked over TLS answered without it. */
export function answersWithoutTls(error: unknown): boolean {
  return tlsReason(error) === NO_TLS;
}

/** Why a connection failed, in the words that operators know from Consul's checks. */
export function dialError(error: unknown): string {
  // A name with several addresses: what happened to the first one says it best.
  if (error instanceof AggregateError && error.errors.length > 0) return dialError(error.errors[0]);
  const { code, syscall, address, port, hostname } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
    hostname?: string;
  };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${hostname ?? ''}: ${code === 'ENOTFOUND' ? 'no such host' : 'temporary failure in name resolution'}`;
  const reason = tlsReason(error);
  if (reason !== undefined)
    return reason === NO_TLS ? 'tls: first record does not look like a TLS handshake' : `tls: ${reason}`;
  const text = code === undefined ? undefined : SYSTEM_TEXTS[code];
  if (text === undefined) return messageOf(error);
  if (syscall === 'connect' && address !== undefined && port !== undefined)
    return `dial tcp ${formatHostPort(address, port)}: connect: ${text}`;
  return `${syscall ?? 'read'}: ${text}`;
}
