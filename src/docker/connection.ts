import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { MusterError, messageOf } from '../errors.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { type DockerEndpoint, formatEndpoint, readTls } from './endpoint.ts';

/** The engine answered, but not with what was asked for: in its own words. */
export class EngineRefusal extends MusterError {
  readonly status: number;

  constructor(message: string, status: number) {
    super('docker.refused', message);
    this.status = status;
  }
}

export interface EngineCall {
  method: 'GET' | 'POST' | 'DELETE';
  /** From "/containers/…", without a version. */
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Milliseconds until the answer begins. */
  timeout?: number;
}

/** An engine that is well answers within milliseconds; one that is starting or pulling may take a few seconds. */
const TIMEOUT = 10_000;
/** Of an error, which is one sentence. */
const MAX_REFUSAL = 64 * 1024;
/**
 * The newest version of the API that this was written by. Nothing here needs more than 1.24 has, but engines drop old
 * versions: Docker 29 begins at 1.44.
 */
const NEWEST = '1.47';

/**
 * Calls of one engine, each on a connection of its own. The version of the API is agreed on with the first call and
 * again after trouble: the engine may be another one then. Rejects with `docker.unreachable`, an `EngineRefusal`
 * (`docker.refused`), `config.unreadable` or the reason of the aborted signal.
 */
export class EngineConnection {
  readonly #endpoint: DockerEndpoint;
  #prefix: Promise<string> | undefined;

  constructor(endpoint: DockerEndpoint) {
    this.#endpoint = endpoint;
  }

  get address(): string {
    return formatEndpoint(this.#endpoint);
  }

  /** The answer once it begins, with a status of 2xx. Whoever does not read it to its end destroys it. */
  async open(call: EngineCall): Promise<IncomingMessage> {
    for (let attempt = 1; ; attempt++) {
      const prefix = await this.#agree(call.signal);
      const answer = await this.#send(prefix + call.path, call);
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status <= 299) return answer;
      const refusal = refusalOf(status, (await this.#bytesOf(answer, MAX_REFUSAL, call.signal)).toString());
      // Another engine listens there than the one that the version was agreed on with.
      const isStale = status === 400 && /client version .* is too (new|old)/.test(refusal.message);
      if (isStale) this.#prefix = undefined;
      if (!isStale || attempt > 1) throw refusal;
    }
  }

  /** The whole answer as JSON; rejects with an `EngineRefusal` when it has more than `max` bytes. */
  async json(call: EngineCall, max: number): Promise<unknown> {
    const bytes = await this.#bytesOf(await this.open(call), max, call.signal);
    try {
      return JSON.parse(bytes.toString());
    } catch {
      throw new EngineRefusal('the engine did not answer with JSON', 200);
    }
  }

  /** Where only whether it is granted is of interest. */
  async done(call: EngineCall): Promise<void> {
    await this.#bytesOf(await this.open(call), MAX_REFUSAL, call.signal);
  }

  /** Tells what goes wrong while an answer is being read in the words of this engine. */
  trouble(cause: unknown, signal?: AbortSignal): unknown {
    signal?.throwIfAborted();
    if (cause instanceof MusterError) return cause;
    this.#prefix = undefined;
    return new MusterError(
      'docker.unreachable',
      `no container engine answers at ${this.address}: ${messageOf(cause)}. Start it, or set DOCKER_HOST to where one listens.`,
      { cause },
    );
  }

  /** "/v1.47", or "" for an engine that does not say which versions it knows. Shared by calls that come at the same time. */
  async #agree(signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted();
    const asked = this.#prefix ?? this.#ask();
    this.#prefix = asked;
    try {
      return await raced(asked, signal);
    } catch (error) {
      if (this.#prefix === asked) this.#prefix = undefined;
      throw error;
    }
  }

  async #ask(): Promise<string> {
    const answer = await this.#send('/_ping', { method: 'GET', path: '/_ping' });
    await this.#bytesOf(answer, MAX_REFUSAL);
    const theirs = answer.headers['api-version'];
    if (typeof theirs !== 'string' || !/^\d+\.\d+$/.test(theirs)) return '';
    return `/v${isOlder(theirs, NEWEST) ? theirs : NEWEST}`;
  }

  async #send(path: string, call: EngineCall): Promise<IncomingMessage> {
    const { signal, timeout = TIMEOUT } = call;
    signal?.throwIfAborted();
    const text = call.body === undefined ? '' : JSON.stringify(call.body);
    const options: RequestOptions = {
      ...this.#where(),
      method: call.method,
      path: path + queryOf(call.query),
      agent: false,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        Host:
          this.#endpoint.kind === 'unix'
            ? 'docker'
            : formatHostPort(this.#endpoint.host, this.#endpoint.port),
        'Content-Length': Buffer.byteLength(text),
        ...(text === '' ? {} : { 'Content-Type': 'application/json' }),
      },
    };
    const isSecure = this.#endpoint.kind === 'tcp' && this.#endpoint.tls !== undefined;
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const going = (isSecure ? requestOverTls : request)(options);
        const timer = setTimeout(() => going.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
        going
          .on('error', (error) => {
            clearTimeout(timer);
            reject(error);
          })
          .on('response', (answer) => {
            clearTimeout(timer);
            // An engine behind a network that is cut would otherwise be waited for without end.
            answer.socket.setKeepAlive(true, 15_000);
            resolve(answer);
          })
          .end(text);
      });
    } catch (cause) {
      throw this.trouble(cause, signal);
    }
  }

  #where(): RequestOptions & ReturnType<typeof readTls> {
    const endpoint = this.#endpoint;
    if (endpoint.kind === 'unix') return { socketPath: endpoint.path };
    const { host, port, tls } = endpoint;
    return { host, port, ...(tls === undefined ? {} : readTls(tls)) };
  }

  async #bytesOf(answer: IncomingMessage, max: number, signal?: AbortSignal): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    // Between two pieces of it: what has begun to come goes on.
    answer.setTimeout(TIMEOUT, () => answer.destroy(new Error(`the answer stopped for ${TIMEOUT} ms`)));
    try {
      for await (const chunk of answer) {
        size += (chunk as Buffer).length;
        if (size > max) throw new EngineRefusal(`the engine answered with more than ${max} bytes`, 200);
        chunks.push(chunk as Buffer);
      }
    } catch (cause) {
      throw this.trouble(cause, signal);
    }
    return Buffer.concat(chunks);
  }
}

/** Rejects as soon as `signal` is aborted; `shared` goes on for whoever else waits for it. */
function raced<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function isOlder(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}

function queryOf(query: EngineCall['query'] = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.append(name, value);
  return params.size === 0 ? '' : `?${params}`;
}

function refusalOf(status: number, text: string): EngineRefusal {
  let message: unknown;
  try {
    message = (JSON.parse(text) as { message?: unknown } | null)?.message;
  } catch {
    // Not every proxy in front of an engine speaks JSON.
  }
  return new EngineRefusal(
    typeof message === 'string' && message !== '' ? message : `the engine answered with status ${status}`,
    status,
  );
}
