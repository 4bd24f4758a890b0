import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import { percentDecoded } from '../../lib/percent.ts';

/** gRPC's status codes that are told apart here (grpc/doc/statuscodes.md). */
export const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  failedPrecondition: 9,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A call that failed. `status` is gRPC's. */
export class RpcError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface CallOptions {
  /** In ms. */
  readonly timeout: number;
  readonly token?: string | undefined;
}

/** Messages in both directions. */
export interface Duplex {
  send(message: Buffer): void;
  close(): void;
}

export interface DuplexEvents {
  message(message: Buffer): void;
  /** Called once, also after `close`. */
  end(error: RpcError): void;
}

/** Nothing of etcd's is longer: snapshots come in pieces, and its own limit on requests is far below. */
const MAX_MESSAGE = 128 * 1024 * 1024;

/** Bytes on the way that nobody has confirmed: lists come in at the speed of the line, not of its round trips. */
const WINDOW = 4 * 1024 * 1024;

/** etcd closes connections of those who ask more often than every 5 s whether it is still there. */
const PING_INTERVAL = 10_000;
const PING_TIMEOUT = 5_000;

/**
 * One HTTP/2 connection that speaks gRPC. When it is lost every call on it fails with `unavailable`; a new one is
 * made then.
 */
export class Channel {
  readonly #session: ClientHttp2Session;
  readonly #pings: NodeJS.Timeout;
  #lost = false;

  /** `authority` as in "http://host:port"; `open` makes the socket. */
  constructor(authority: string, open: () => Socket) {
    this.#session = connect(authority, {
      createConnection: open,
      settings: { enablePush: false, initialWindowSize: WINDOW },
    });
    this.#session.on('error', () => this.close());
    this.#session.on('goaway', () => {
      this.#lost = true;
    });
    this.#session.on('close', () => {
      this.#lost = true;
      clearInterval(this.#pings);
    });
    // Node says "connect" of one that was destroyed before, too.
    this.#session.once('connect', () => this.lost || this.#session.setLocalWindowSize(4 * WINDOW));
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL);
    this.#pings.unref();
  }

  /** It takes no new calls. */
  get lost(): boolean {
    return this.#lost || this.#session.closed || this.#session.destroyed;
  }

  close(): void {
    this.#lost = true;
    clearInterval(this.#pings);
    this.#session.destroy();
  }

  /** One request, one response. Rejects with `RpcError`. */
  call(path: string, request: Buffer, { timeout, token }: CallOptions): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let answer: Buffer | undefined;
      const timer = setTimeout(() => {
        reject(new RpcError(STATUS.deadlineExceeded, `no answer within ${timeout} ms`));
        call.close();
      }, timeout);
      const call = this.open(path, token, {
        message(message) {
          answer = message;
        },
        end(error) {
          clearTimeout(timer);
          if (error.status === 0 && answer !== undefined) resolve(answer);
          else reject(error.status === 0 ? new RpcError(STATUS.unknown, 'an answer without content') : error);
        },
      });
      call.send(request);
      call.finish();
    });
  }

  open(path: string, token: string | undefined, events: DuplexEvents): Duplex & { finish(): void } {
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(
        {
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...(token === undefined ? {} : { token }),
        },
        { endStream: false },
      );
    } catch (cause) {
      const error = new RpcError(STATUS.unavailable, (cause as Error).message);
      queueMicrotask(() => events.end(error));
      return { send() {}, finish() {}, close() {} };
    }
    listen(stream, events);
    return {
      send(message) {
        if (stream.destroyed || stream.closed) return;
        const head = Buffer.alloc(5);
        head.writeUInt32BE(message.length, 1);
        stream.write(Buffer.concat([head, message]));
      },
      finish: () => stream.end(),
      close: () => stream.close(constants.NGHTTP2_CANCEL),
    };
  }

  #ping(): void {
    if (this.lost) return;
    const timer = setTimeout(() => this.close(), PING_TIMEOUT);
    timer.unref();
    try {
      this.#session.ping((error) => {
        clearTimeout(timer);
        if (error) this.close();
      });
    } catch {
      clearTimeout(timer);
      this.close();
    }
  }
}

function listen(stream: ClientHttp2Stream, { message, end }: DuplexEvents): void {
  let head: IncomingHttpHeaders | undefined;
  let trailers: IncomingHttpHeaders | undefined;
  let fault: RpcError | undefined;
  const split = splitter(message, (error) => {
    fault ??= error;
    stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.on('response', (headers) => {
    head = headers;
  });
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('data', (chunk: Buffer) => {
    if (fault === undefined) split(chunk);
  });
  let cause: Error | undefined;
  stream.on('error', (error) => {
    cause = error;
  });
  stream.on('close', () => end(fault ?? outcome(head, trailers, cause)));
}

/** Calls `message` for each whole message in what it is given. */
function splitter(
  message: (message: Buffer) => void,
  fail: (error: RpcError) => void,
): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let size = 0;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size >= 5) {
      if ((chunks[0] as Buffer).length < 5) chunks = [Buffer.concat(chunks)];
      const first = chunks[0] as Buffer;
      const length = first.readUInt32BE(1);
      if (first[0] !== 0) return fail(new RpcError(STATUS.unknown, 'a compressed message nobody asked for'));
      if (length > MAX_MESSAGE) return fail(new RpcError(STATUS.unknown, `a message of ${length} bytes`));
      if (size < 5 + length) return;
      const all = chunks.length === 1 ? first : Buffer.concat(chunks);
      chunks = [all.subarray(5 + length)];
      size -= 5 + length;
      message(all.subarray(5, 5 + length));
    }
  };
}

/** Status 0 is success. An answer with an error alone has it in its first headers. */
function outcome(
  head: IncomingHttpHeaders | undefined,
  trailers: IncomingHttpHeaders | undefined,
  cause: Error | undefined,
): RpcError {
  const from = trailers ?? head ?? {};
  const status = from['grpc-status'];
  if (status === undefined) {
    const why = cause === undefined ? '' : `: ${cause.message}`;
    return new RpcError(STATUS.unavailable, `the connection was lost${why}`);
  }
  return new RpcError(Number(status), percentDecoded(String(from['grpc-message'] ?? '')));
}
