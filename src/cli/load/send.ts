/**
 * One request as a browser sends it. An address that refuses the connection leads to the next one of the name. A kept connection
 * that is closed before the first byte of the answer leads to another connection, whatever the method: Chromium does that
 * (HttpNetworkTransaction, ShouldResendRequest) for as long as it has kept connections, and Firefox (nsHttpTransaction, Close). A new
 * connection that is closed so is a failure; there Firefox sends safe methods again, as RFC 9110 9.2.2 allows, and Chromium does not.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export interface Message {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** From the due time until the whole answer is there, in ms; then the request has failed. */
  readonly timeout: number;
}

export interface Outcome {
  /** Of the answer; 0 when there was none. */
  status: number;
  /** From the due time, in ms. */
  latency: number;
  /** Why it failed, in a few words; undefined when it did not. */
  failure?: string;
  bytes: number;
  again: Again;
}

/** How often something was tried again, and why. */
export interface Again {
  /** An address refused the connection, and the next one of the name was tried. */
  refused: number;
  /** A kept connection was closed before anything of the answer came, and the request was sent on another one. */
  closed: number;
}

/** Connections that have carried a request. (`request.reusedSocket` stays false for a request that had to wait for one.) */
const used = new WeakSet<Socket>();

/** What a closed connection is called. */
const CLOSED: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);

/** Calls `over` exactly once. The answer gives it up. `due`: when it was to be sent, on the clock of `performance`. */
export function send(
  { url, method, headers, timeout }: Message,
  agent: http.Agent,
  due: number,
  over: (outcome: Outcome) => void,
): () => void {
  const client = url.protocol === 'https:' ? https : http;
  const again: Again = { refused: 0, closed: 0 };
  let status = 0;
  let bytes = 0;
  let ended = false;
  let request: http.ClientRequest;
  const end = (failure?: string): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    const latency = performance.now() - due;
    over({ status, latency, bytes, again, ...(failure === undefined ? {} : { failure }) });
    if (failure !== undefined) request.destroy();
  };
  const timer = setTimeout(() => end('timeout'), Math.max(0, timeout - (performance.now() - due)));
  const attempt = (): void => {
    let socket: Socket | undefined;
    let isKept = false;
    let bytesBefore = 0;
    request = client.request(url, { agent, method, headers });
    request.on('socket', (given) => {
      socket = given;
      isKept = used.has(given);
      bytesBefore = given.bytesRead;
      if (isKept) return;
      used.add(given);
      let refused = 0;
      given.on('connectionAttemptFailed', () => refused++);
      given.once('connect', () => {
        again.refused += refused;
      });
    });
    request.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => end(status < 400 ? undefined : `status ${status}`));
      response.on('error', () => end('answer cut off'));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (ended) return;
      const isClosed = CLOSED.has(error.code);
      const isUnanswered = socket === undefined || socket.bytesRead === bytesBefore;
      if (!isClosed) return end(error.code ?? error.message);
      if (!isUnanswered) return end('answer cut off');
      if (!isKept) return end('new connection closed');
      again.closed++;
      // The clock runs on.
      attempt();
    });
    request.end();
  };
  attempt();
  return () => end('given up');
}
