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
  const text = code === undefined ? undefined : SYSTEM_TEXTS[code];
  if (text === undefined) return messageOf(error);
  if (syscall === 'connect' && address !== undefined && port !== undefined)
    return `dial tcp ${formatHostPort(address, port)}: connect: ${text}`;
  return `${syscall ?? 'read'}: ${text}`;
}
