/**
 * The server's side of a TLS socket, as `tls.Server` uses it and Node does not document it. `tls.Server` itself will not do: it
 * gives a connection its default certificate and then adds the one for the name to it, so that with two kinds of keys
 * the client may be shown the wrong one; and what it begins with can only be replaced for the whole server.
 */
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';

/** What a client is shown. */
export interface Shown {
  readonly context: SecureContext;
  /** An OCSP response (DER) for a client that asks for one. */
  readonly staple?: Uint8Array | undefined;
}

export interface ServerSide {
  /** `choose` is called once the client has said what it wants; with "" when it named nobody. */
  chooseCertificate(choose: (name: string) => Shown | undefined): void;
  /** Why the client's certificate is not valid; undefined when it is. */
  verifyError(): string | undefined;
  /** The handshake is done: it is told so, and from now on an error ends the socket. */
  release(): void;
}

interface Handle {
  enableCertCb(): void;
  oncertcb: (this: Handle, asked: { servername?: string | undefined; OCSPRequest?: boolean }) => void;
  /** Where `certCbDone` looks for the context. */
  sni_context?: unknown;
  setOCSPResponse(response: Uint8Array): void;
  certCbDone(): void;
  verifyError(): Error | null | undefined;
}

export function serverSideOf(socket: TLSSocket): ServerSide {
  const inner = socket as unknown as {
    readonly _handle: Handle;
    secureConnecting: boolean;
    _releaseControl(): void;
  };
  const handle = inner._handle;
  return {
    chooseCertificate(choose) {
      handle.enableCertCb();
      handle.oncertcb = function ({ servername, OCSPRequest }) {
        try {
          const shown = choose(servername ?? '');
          if (shown !== undefined) {
            this.sni_context = (shown.context as unknown as { context: unknown }).context;
            if (OCSPRequest === true && shown.staple !== undefined) this.setOCSPResponse(shown.staple);
          }
          this.certCbDone();
        } catch (error) {
          socket.destroy(error as Error);
        }
      };
    },
    verifyError: () => handle.verifyError()?.message,
    release() {
      inner._releaseControl();
      inner.secureConnecting = false;
    },
  };
}

/** The connection below. */
export function rawSocketOf(socket: TLSSocket): Socket | undefined {
  return (socket as unknown as { _parent?: Socket })._parent;
}
