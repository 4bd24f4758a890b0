/** Calls between nodes over a link: HTTP/2, one request and one response per call, both as text (`row-text.ts`). */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  performServerHandshake,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { isMusterError, MusterError, messageOf } from '../../errors.ts';
import type { HostPort } from '../../lib/host-port.ts';
import { fromText, toText } from '../../store/row-text.ts';
import type { Keyring } from './keyring.ts';
import { dialLink } from './link.ts';

/** A commit with the whole catalog of a large cluster in it, at most. */
const MAX_REQUEST = 64 * 1024 * 1024;
const MAX_RESPONSE = 256 * 1024 * 1024;
/** Calls at a time on one link. */
const MAX_CALLS = 1_000;
const WINDOW = 4 * 1024 * 1024;
/** In ms: thousands of agents may have nothing to ask for hours. */
const IDLE = 60_000;

/** What answers calls. Throwing a `MusterError` tells the caller its code and message. */
export type CallHandler = (request: never, from: string) => Promise<unknown> | unknown;

export type Calls = Readonly<Record<string, CallHandler>>;

/** Answers calls that come over a link. */
export function serveRpc(link: TLSSocket, calls: Calls, onError: (error: unknown) => void): void {
  const session = performServerHandshake(link, {
    settings: { initialWindowSize: WINDOW, maxConcurrentStreams: MAX_CALLS },
  });
  const from = link.remoteAddress ?? '';
  session.on('error', () => session.destroy());
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const name = String(headers[':path'] ?? '').slice(1);
    readAll(stream, MAX_REQUEST)
      .then(async (text) => {
        const request = (text === '' ? undefined : fromText(text)) as never;
        const handler = Object.hasOwn(calls, name) ? calls[name] : undefined;
        if (handler === undefined)
          throw new MusterError('request.rejected', `no node knows the call "${name}" here`);
        const answer = await handler(request, from);
        if (stream.destroyed || stream.closed) return;
        stream.respond({ ':status': 200 });
        stream.end(answer === undefined ? '' : toText(answer));
      })
      .catch((error: unknown) => {
        if (!isMusterError(error)) onError(error);
        if (stream.destroyed || stream.headersSent) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        const code = isMusterError(error) ? error.code : 'internal';
        // The rest of a request that was too long is dropped.
        stream.resume();
        stream.respond({ ':status': 500 });
        stream.end(JSON.stringify({ code, message: messageOf(error) }));
      });
  });
}

async function readAll(stream: ServerHttp2Stream | ClientHttp2Stream, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // What is too long still gets an answer: leaving the loop must not end the stream.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new MusterError('request.rejected', `a message of more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Calls another node, over one link that is made when it is needed and again when it was lost. */
export class Caller {
  readonly #address: HostPort;
  readonly #keyring: Keyring;
  readonly #idle: number;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  /** A link over which nothing is asked for `idle` ms is let go. */
  constructor(address: HostPort, keyring: Keyring, { idle = IDLE } = {}) {
    this.#address = address;
    this.#keyring = keyring;
    this.#idle = idle;
  }

  /** Rejects with `cluster.unreachable`, or with what the other side threw. */
  async call<Answer>(name: string, request: unknown, timeout: number): Promise<Answer> {
    const session = await this.#connect(timeout);
    const stream = this.#open(session, name, request);
    let status = 0;
    stream.once('response', (headers) => {
      status = Number(headers[':status']);
    });
    const timer = setTimeout(() => stream.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
    let text: string;
    try {
      text = await readAll(stream, MAX_RESPONSE);
    } catch (cause) {
      // A link that does not answer is not used again: the next call makes another.
      session.destroy();
      throw unreachable(this.#address, cause);
    } finally {
      clearTimeout(timer);
    }
    if (status === 0) throw unreachable(this.#address, new Error('the link was lost'));
    if (status !== 200) throw refusalOf(text);
    return (text === '' ? undefined : fromText(text)) as Answer;
  }

  /** Ends it at once, or asks no more and waits for the answers to what was asked. */
  close({ isPatient = false } = {}): void {
    this.#closed = true;
    this.#session?.then(
      (session) => (isPatient ? session.close() : session.destroy()),
      () => {},
    );
    this.#session = undefined;
  }

  #open(session: ClientHttp2Session, name: string, request: unknown): ClientHttp2Stream {
    try {
      const stream = session.request({ ':method': 'POST', ':path': `/${name}` });
      stream.end(request === undefined ? '' : toText(request));
      return stream;
    } catch (cause) {
      throw unreachable(this.#address, cause);
    }
  }

  async #connect(timeout: number): Promise<ClientHttp2Session> {
    if (this.#closed) throw unreachable(this.#address, new Error('this node stops'));
    this.#session ??= this.#dial(timeout);
    const attempt = this.#session;
    try {
      const session = await attempt;
      if (!session.destroyed && !session.closed) return session;
      if (this.#session === attempt) this.#session = undefined;
      return this.#connect(timeout);
    } catch (cause) {
      if (this.#session === attempt) this.#session = undefined;
      throw isMusterError(cause) ? cause : unreachable(this.#address, cause);
    }
  }

  async #dial(timeout: number): Promise<ClientHttp2Session> {
    const link = await dialLink(this.#address, 'rpc', { keyring: this.#keyring, timeout });
    const session = connect('http://muster', {
      createConnection: () => link,
      settings: { enablePush: false, initialWindowSize: WINDOW },
    });
    session.on('error', () => session.destroy());
    // Node says "connect" of one that was destroyed before, too.
    session.once('connect', () => session.destroyed || session.setLocalWindowSize(4 * WINDOW));
    session.setTimeout(this.#idle, () => session.close());
    if (this.#closed) session.destroy();
    return session;
  }
}

function unreachable({ host, port }: HostPort, cause: unknown): MusterError {
  return new MusterError(
    'cluster.unreachable',
    `the node at ${host}:${port} cannot be reached: ${messageOf(cause)}`,
    {
      cause,
    },
  );
}

function refusalOf(text: string): MusterError {
  try {
    const { code, message } = JSON.parse(text) as { code: MusterError['code']; message: string };
    return new MusterError(code, message);
  } catch {
    return new MusterError('internal', 'an answer that cannot be read');
  }
}
