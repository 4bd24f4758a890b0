import { type ClientHttp2Session, connect } from 'node:http2';
import { isIP } from 'node:net';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import { DeadlineExceeded } from '../deadline.ts';

export interface Http2Options {
  target: HostPort;
  tls: boolean;
  /** Name in the certificate; "" for that of the host. */
  tlsServerName: string;
  tlsSkipVerify: boolean;
  /** For everything together, in ms. */
  timeout: number;
  signal: AbortSignal;
}

/**
 * Opens an HTTP/2 connection, lets `ask` do its work on it once it stands, and closes it, whatever happens. Rejects with what goes
 * wrong with the connection, with what `ask` rejects with, or with `DeadlineExceeded`.
 */
export async function overHttp2<T>(
  { target, tls, tlsServerName, tlsSkipVerify, timeout, signal }: Http2Options,
  ask: (session: ClientHttp2Session) => Promise<T>,
): Promise<T> {
  const host = target.host === '' ? '127.0.0.1' : target.host;
  const servername = tlsServerName === '' && isIP(host) === 0 ? host : tlsServerName;
  const session = connect(`${tls ? 'https' : 'http'}://${formatHostPort(host, target.port)}`, {
    rejectUnauthorized: !tlsSkipVerify,
    settings: { enablePush: false },
    ...(servername === '' ? {} : { servername }),
  });
  let timer: NodeJS.Timeout | undefined;
  let stop = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded()), timeout);
    stop = () => reject(new Error('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    session.on('error', reject);
    session.on('close', () => reject(new Error('transport is closing')));
  });
  try {
    const connected = new Promise<void>((resolve) => session.once('connect', () => resolve()));
    return await Promise.race([failed, connected.then(() => ask(session))]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    session.destroy();
  }
}
