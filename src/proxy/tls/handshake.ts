/** A handshake on the server's side, in the one way and in the other. */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { TcpHandle } from '../net/handle-socket.ts';
import { secureHandleOver } from './secure-handle.ts';
import type { Secured } from './secured.ts';
import { chooseCertificate, type ServerHandle, type Shown, verifyErrorOf } from './server-handle.ts';
import type { ClientAuth } from './spec.ts';

export interface HandshakeRules {
  /** What it begins with. */
  readonly context: SecureContext;
  /** What the client is shown, by the name that it asks for ("" for none); undefined: what `context` has. */
  readonly choose: ((name: string) => Shown | undefined) | undefined;
  /** As ALPN writes it (RFC 7301 §3.1). */
  readonly alpn: Uint8Array | undefined;
  readonly clientAuth: ClientAuth;
}

export interface HandshakeEvents {
  /** It is done, and the client is who it has to be. The connection is to be taken over before this returns. */
  secure(secured: Secured): void;
  /** Why it is about to fail. */
  failing(why: string): void;
  /** The connection is gone. By sockets this is said of those that were secure, too. */
  closed(): void;
}

/** Ends the connection. */
export type EndHandshake = () => void;

/** By the handles alone. `first`: what was read already. */
export function shakeByHandle(
  raw: TcpHandle,
  first: Uint8Array,
  rules: HandshakeRules,
  events: HandshakeEvents,
): EndHandshake {
  const { context, choose, alpn, clientAuth } = rules;
  const handle = secureHandleOver(raw, context);
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    handle.close(() => events.closed());
  };
  const fail = (error: Error): void => {
    if (!isOver) events.failing(messageOf(error));
    end();
  };
  if (clientAuth !== 'none') handle.setVerifyMode(true, clientAuth === 'required');
  if (alpn !== undefined) handle.setALPNProtocols(alpn);
  if (choose !== undefined) chooseCertificate(handle, choose, fail);
  handle.onerror = fail;
  // Before it is done there is nothing to read but an end or an error.
  handle.onread = end;
  handle.onhandshakedone = () => {
    // It may be done all the same after it was given up.
    if (isOver) return;
    const problem = problemOf(handle, clientAuth);
    if (problem !== undefined) {
      events.failing(problem);
      end();
      return;
    }
    isOver = true;
    events.secure(handle);
  };
  if (first.length > 0) handle.receive(first);
  if (!isOver) handle.readStart();
  return end;
}

/** By sockets. */
export function shakeBySocket(
  raw: Socket,
  first: Uint8Array,
  rules: HandshakeRules,
  events: HandshakeEvents,
): EndHandshake {
  const { context, choose, alpn, clientAuth } = rules;
  if (first.length > 0) raw.unshift(first);
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: clientAuth !== 'none',
    rejectUnauthorized: clientAuth === 'required',
    ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
  });
  const inner = socket as unknown as {
    readonly _handle: ServerHandle;
    secureConnecting: boolean;
    _releaseControl(): void;
  };
  const handle = inner._handle;
  let isSecure = false;
  raw.once('close', () => events.closed());
  if (choose !== undefined) chooseCertificate(handle, choose, (error) => socket.destroy(error));
  socket.on('error', (error) => {
    // Behind the handshake Node goes on: nothing that comes can be understood any more.
    if (isSecure) socket.destroy();
    else events.failing(messageOf(error));
  });
  socket.on('end', () => {
    if (!isSecure) raw.destroy();
  });
  socket.on('secure', () => {
    // As `tls.Server` does: from now on an error ends the socket.
    inner._releaseControl();
    inner.secureConnecting = false;
    const problem = problemOf(handle, clientAuth);
    if (problem !== undefined) {
      events.failing(problem);
      socket.destroy();
      return;
    }
    isSecure = true;
    events.secure(socket);
  });
  return () => void raw.destroy();
}

/** Why a client that has finished the handshake is refused. */
function problemOf(handle: ServerHandle, clientAuth: ClientAuth): string | undefined {
  // A certificate that is not valid is worse than none, also where none is needed: its owner believes to be known.
  if (clientAuth === 'none') return undefined;
  if (clientAuth === 'optional' && handle.getPeerCertificate() === undefined) return undefined;
  const problem = verifyErrorOf(handle);
  return problem === undefined ? undefined : `the client's certificate is not valid: ${problem}`;
}
