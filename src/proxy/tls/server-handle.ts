/**
 * The server's side of a TLS handle, as `tls.Server` uses it and Node does not document it. `tls.Server` itself will not do: it
 * gives a connection its default certificate and then adds the one for the name to it, so that with two kinds of keys
 * the client may be shown the wrong one; and what it begins with can only be replaced for the whole server.
 */
import type { SecureContext } from 'node:tls';

/** What a client is shown. */
export interface Shown {
  readonly context: SecureContext;
  /** An OCSP response (DER) for a client that asks for one. */
  readonly staple?: Uint8Array | undefined;
}

export interface ServerHandle {
  enableCertCb(): void;
  oncertcb: (this: ServerHandle, asked: { servername?: string | undefined; OCSPRequest?: boolean }) => void;
  /** Where `certCbDone` looks for the context. */
  sni_context?: unknown;
  setOCSPResponse(response: Uint8Array): void;
  certCbDone(): void;
  verifyError(): Error | null | undefined;
  getPeerCertificate(): object | undefined;
}

/** `choose` is called once the client has said what it wants; with "" when it named nobody. `failed`: it cannot be shown anything. */
export function chooseCertificate(
  handle: ServerHandle,
  choose: (name: string) => Shown | undefined,
  failed: (error: Error) => void,
): void {
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
      failed(error as Error);
    }
  };
}

/** Why the client's certificate is not valid; undefined when it is. */
export function verifyErrorOf(handle: ServerHandle): string | undefined {
  return handle.verifyError()?.message;
}
