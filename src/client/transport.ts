import { fileTrouble, MusterError } from '../errors.ts';
import type { NodeFetchOptions } from './node-fetch.ts';
import { type ClientOptions, socketOf } from './options.ts';
import { isBrowser, ofNode } from './platform.ts';

/** As much of `fetch` as is called here. */
export type Fetch = (url: string, init: FetchInit) => Promise<Reply>;

export interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  signal?: AbortSignal;
  redirect?: 'error';
}

/** As much of a `Response` as is looked at. */
export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The `fetch` that calls go through. */
export interface Transport {
  readonly usual: Fetch;
  /** For answers that may be silent for long: Node's own `fetch` gives up after five minutes. */
  readonly patient: Fetch;
}

/**
 * That of the options; one of `node:http` where they ask for it and for Unix sockets and certificates, which the platform's cannot be told
 * of; else the platform's. Throws `config.unreadable` for a file that cannot be read.
 */
export function transportOf(options: ClientOptions): Transport {
  const { fetch } = options;
  if (fetch !== undefined) return { usual: fetch, patient: fetch };
  const socketPath = socketOf(options.address);
  const special: NodeFetchOptions = socketPath === undefined ? tlsOf(options) : { socketPath };
  const usual: Transport['usual'] = (input, init) => globalThis.fetch(input, init);
  const isPlain = Object.keys(special).length === 0 && options.transport !== 'node:http';
  if (isPlain && isBrowser) return { usual, patient: usual };
  const own = lazily(special);
  return { usual: isPlain ? usual : own, patient: own };
}

/** Loaded with the first call: most programs never need it. */
function lazily(options: NodeFetchOptions): Fetch {
  let loaded: Promise<Fetch> | undefined;
  return async (input, init) => {
    loaded ??= import('./node-fetch.ts').then(({ nodeFetch }) => nodeFetch(options));
    return (await loaded)(input, init);
  };
}

function tlsOf(options: ClientOptions): NodeFetchOptions {
  const { caFile, caPath, caPem, certFile, keyFile, tlsServerName, verifyTls = true } = options;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new MusterError(
      'config.invalid',
      'a client certificate and its key go together: give both (-client-cert, -client-key; CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY)',
    );
  const authorities = [
    ...(caFile === undefined ? [] : [read(caFile)]),
    ...(caPath === undefined ? [] : filesIn(caPath).map(read)),
    ...(caPem === undefined ? [] : [caPem]),
  ];
  return {
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...(certFile === undefined ? {} : { cert: read(certFile) }),
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
    ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    ...(verifyTls ? {} : { rejectUnauthorized: false }),
  };
}

function filesIn(folder: string): string[] {
  try {
    return ofNode('node:fs')
      .readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => ofNode('node:path').join(folder, name))
      .sort();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

function read(file: string): Buffer {
  try {
    return ofNode('node:fs').readFileSync(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(name: string, cause: unknown): MusterError {
  return new MusterError(
    'config.unreadable',
    `${name} cannot be read: ${fileTrouble(cause)}. Certificates, keys and authorities are files in PEM.`,
    { cause },
  );
}
