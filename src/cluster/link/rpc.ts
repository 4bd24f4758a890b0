/**
 * Calls between nodes over a link: HTTP/2, one request and one response per call, both as text (`row-text.ts`). A
 * stream answers with one line per message for as long as both sides want.
 */
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

/** What answers calls. Throwing a `MusterError` tells the caller its code and message. */
export type CallHandler = (request: never, from: string) => Promise<unknown> | unknown;

/** Lines to the one who called. */
export interface Outlet {
  /** A line, with the line feed behind it. */
  write(line: Buffer): void;
  /** Bytes that wait to be sent: what is not taken as fast as it comes. */
  readonly backlog: number;
  /**
   * Bytes that came over the link so far, pings included: those are answered below JavaScript, and to see that this has
   * grown is all that a sign of life costs here.
   */
  readonly received: number;
  close(): void;
  /** Ends the whole link at once. */
  cut(): void;
  /** Called once when the other side or the link is gone. */
  onClose(task: () => void): void;
}

export type StreamHandler = (request: never, outlet: Outlet, from: string) => void;

export interface Handlers {
  readonly calls: Readonly<Record<string, CallHandler>>;
  readonly streams: Readonly<Record<string, StreamHandler>>;
}

/** Answers calls that come over a link. */
export function serveRpc(
  link: TLSSocket,
  { calls, streams }: Handlers,
  onError: (error: unknown) => void,
): void {
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
        const streamHandler = Object.hasOwn(streams, name) ? streams[name] : undefined;
        if (streamHandler !== undefined) {
          stream.respond({ ':status': 200 });
          streamHandler(request, outletOf(stream, link), from);
          return;
        }
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

function outletOf(stream: ServerHttp2Stream, link: TLSSocket): Outlet {
  return {
    write: (line) => {
      if (!stream.destroyed && !stream.closed) stream.write(line);
    },
    get backlog() {
      return stream.writableLength;
    },
    get received() {
      return link.bytesRead;
    },
    close: () => stream.close(),
    cut: () => link.destroy(),
    onClose: (task) => stream.once('close', task),
  };
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
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(address: HostPort, keyring: Keyring) {
    this.#address = address;
    this.#keyring = keyring;
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

  /** Opens a stream of lines. Resolves with what ends it; `end` is called once when it is over. */
  async stream(
    name: string,
    request: unknown,
    { timeout, line, end }: { timeout: number; line: (text: string) => void; end: () => void },
  ): Promise<() => void> {
    const session = await this.#connect(timeout);
    const stream = this.#open(session, name, request);
    stream.on('error', () => {});
    stream.once('close', end);
    let rest: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        const last = chunk.subarray(from, at);
        const whole = rest.length === 0 ? last : Buffer.concat([...rest, last]);
        rest = [];
        from = at + 1;
        line(whole.toString());
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    });
    return () => stream.close();
  }

  /** Shows the other side that this one is there. Resolves once that has answered; rejects with `cluster.unreachable`. */
  async ping(timeout: number): Promise<void> {
    const session = await this.#connect(timeout);
    await new Promise<void>((resolve, reject) => {
      const ended = (error: Error | null) =>
        error === null ? resolve() : reject(unreachable(this.#address, error));
      if (session.destroyed || !session.ping(ended)) ended(new Error('the link is not used any more'));
    });
  }

  close(): void {
    this.#closed = true;
    this.#session?.then(
      (session) => session.destroy(),
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
    session.once('connect', () => session.setLocalWindowSize(4 * WINDOW));
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
