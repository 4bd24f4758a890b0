/**
 * TLS on a client's connection by its handles alone: Node's layer in C++ right on libuv's handle. `tls.TLSSocket` on top of it is two
 * sockets, the one above wrapping the one below, which is a fifth of what a full handshake costs.
 */
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TcpHandle } from '../net/handle-socket.ts';
import { bindingOf } from '../net/native-stream.ts';
import type { ServerHandle } from './server-handle.ts';

/** The layer, which is a handle itself: reads and writes are those in clear text. */
export interface SecureHandle extends TcpHandle, ServerHandle {
  /** Called within OpenSSL: nothing of the layer may be freed before it returns. */
  onhandshakedone: (() => void) | undefined;
  /** The same. What was to be said to the client about it has been sent. */
  onerror: ((error: Error) => void) | undefined;
  setVerifyMode(requests: boolean, requires: boolean): void;
  setALPNProtocols(protocols: Uint8Array): void;
  /** Bytes that were read already. */
  receive(bytes: Uint8Array): void;
  getALPNNegotiatedProtocol(): string | false;
  getServername(): string | false;
  getProtocol(): string | null;
  getCipher(): { readonly standardName?: string } | undefined;
  /** Frees what OpenSSL has of it. */
  destroySSL(): void;
}

const METHODS = [
  'readStart',
  'readStop',
  'shutdown',
  'writeBuffer',
  'useUserBuffer',
  'getpeername',
  'enableCertCb',
  'certCbDone',
  'setOCSPResponse',
  'setVerifyMode',
  'setALPNProtocols',
  'verifyError',
  'receive',
  'getPeerCertificate',
  'getALPNNegotiatedProtocol',
  'getServername',
  'getProtocol',
  'getCipher',
  'destroySSL',
] as const satisfies readonly (keyof SecureHandle)[];

/** What `tls.TLSSocket` makes its layer with: it knows the arguments of its version of Node, a wrong one of which would abort the process. */
const { _wrapHandle: wrapHandle } = TLSSocket.prototype as unknown as { _wrapHandle?: unknown };

/** Whether all that is used is there: it is not documented. */
export const isLayered: boolean = ((): boolean => {
  const { TLSWrap } = bindingOf<{ TLSWrap: { prototype: object } }>('tls_wrap') ?? {};
  const layer = TLSWrap?.prototype as Record<string, unknown> | undefined;
  return typeof wrapHandle === 'function' && METHODS.every((name) => typeof layer?.[name] === 'function');
})();

/** What `wrapHandle` asks of its socket. */
class Wrapping {
  readonly _tlsOptions: { readonly isServer: true; readonly secureContext: SecureContext };

  constructor(secureContext: SecureContext) {
    this._tlsOptions = { isServer: true, secureContext };
  }

  /** As if everything was listened to already: the layer is freed by ourselves. */
  listenerCount(): number {
    return 1;
  }
}

/** The server's side of TLS on a connection that nobody reads. Closing it closes the connection. */
export function secureHandleOver(raw: TcpHandle & { above?: object }, context: SecureContext): SecureHandle {
  const handle = (wrapHandle as (wrap: null, raw: object, isBusy: false) => SecureHandle).call(
    new Wrapping(context),
    null,
    raw,
    false,
  );
  // The layer lives as long as somebody knows it; libuv knows the handle below.
  raw.above = handle;
  handle.below = raw;
  handle.close = (onClosed) => raw.close(() => freed(handle, onClosed));
  handle.reset = (onClosed) => raw.reset(() => freed(handle, onClosed));
  return handle;
}

/** Not before the connection is closed: OpenSSL may be at work while it is being closed. */
function freed(handle: SecureHandle, onClosed: (() => void) | undefined): void {
  handle.destroySSL();
  onClosed?.();
}
