import { MusterError, messageOf } from '../errors.ts';
import { ofNode } from './platform.ts';

export interface ClientOptions {
  /**
   * URL, "host:port", "host" or "unix:///path" of an agent's HTTP API. Default 127.0.0.1:8500, where an agent listens.
   */
  address?: string;
  /** Speak TLS when `address` names no scheme. Default false. */
  tls?: boolean;
  /** Secret sent as `X-Consul-Token`. Default none. */
  token?: string;
  /** "user:password" for a proxy in front of the agent. Default none. */
  basicAuth?: string;
  /** Datacenter asked when a call names none. Default: the agent's own. */
  datacenter?: string;
  /**
   * Milliseconds until a call that does not block is given up. Default 10,000: an agent answers from memory,
   * so that one which is silent for so long is not going to answer.
   */
  timeout?: number;
  /** File with the certificates (PEM) of authorities to trust instead of the system's. */
  caFile?: string;
  /** Folder of such files; with `caFile` they are added. */
  caPath?: string;
  /** Such certificates themselves; added too. */
  caPem?: string;
  /** Certificate (PEM) to show to an agent that asks for one, and its key. */
  certFile?: string;
  keyFile?: string;
  /** Name that the agent's certificate must have, instead of that in the address. */
  tlsServerName?: string;
  /** Whether the agent's certificate is looked at at all. Default true. */
  verifyTls?: boolean;
  /**
   * 'node:http' for programs that make a few calls and end: Node loads its `fetch` with the first call, which takes more processor time
   * than all the rest of such a program. Default: `fetch`, and 'node:http' for Unix sockets, files of TLS and long waits.
   */
  transport?: 'node:http';
  /** Another `fetch`; files and names of TLS are its own business then, and so are Unix sockets. */
  fetch?: typeof globalThis.fetch;
}

const DEFAULT_PORT = 8500;

/** Consul's variables whose text is an option as it is. */
const TEXTS = {
  CONSUL_HTTP_ADDR: 'address',
  CONSUL_HTTP_AUTH: 'basicAuth',
  CONSUL_CACERT: 'caFile',
  CONSUL_CAPATH: 'caPath',
  CONSUL_CLIENT_CERT: 'certFile',
  CONSUL_CLIENT_KEY: 'keyFile',
  CONSUL_TLS_SERVER_NAME: 'tlsServerName',
} as const satisfies Record<string, keyof ClientOptions>;

/** Reads Consul's variables: those of `TEXTS`, CONSUL_HTTP_TOKEN, _TOKEN_FILE, _SSL, _SSL_VERIFY. Throws `config.*`. */
export function clientOptionsFromEnv(env: Readonly<Record<string, string | undefined>>): ClientOptions {
  const options: ClientOptions = {};
  for (const [name, option] of Object.entries(TEXTS)) {
    const text = env[name];
    if (text) options[option] = text;
  }
  if (env.CONSUL_HTTP_SSL) options.tls = booleanOf('CONSUL_HTTP_SSL', env.CONSUL_HTTP_SSL);
  if (env.CONSUL_HTTP_SSL_VERIFY)
    options.verifyTls = booleanOf('CONSUL_HTTP_SSL_VERIFY', env.CONSUL_HTTP_SSL_VERIFY);
  const token = tokenOf(env);
  if (token !== '') options.token = token;
  return options;
}

/** A token in a file wins over one in the environment, as in Consul's own client. */
function tokenOf(env: Readonly<Record<string, string | undefined>>): string {
  const path = env.CONSUL_HTTP_TOKEN_FILE;
  if (!path) return env.CONSUL_HTTP_TOKEN ?? '';
  try {
    return ofNode('node:fs').readFileSync(path, 'utf8').trim() || (env.CONSUL_HTTP_TOKEN ?? '');
  } catch (cause) {
    throw new MusterError(
      'config.unreadable',
      `CONSUL_HTTP_TOKEN_FILE cannot be read: ${messageOf(cause)}. Name a readable file or unset the variable.`,
      { cause },
    );
  }
}

/** What Go's `ParseBool` takes. */
function booleanOf(name: string, text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new MusterError('config.invalid', `${name} is ${JSON.stringify(text)}: write true or false.`);
}

/** Path of the Unix socket that an address names, or undefined. */
export function socketOf(address: string | undefined): string | undefined {
  return address?.startsWith(UNIX) ? address.slice(UNIX.length) : undefined;
}

const UNIX = 'unix://';

/** The URL that paths such as "/v1/…" are appended to, without a slash at its end. */
export function baseUrl({ address = '127.0.0.1', tls = false }: ClientOptions): string {
  // The name is of no account there, and still has to be one.
  if (socketOf(address) !== undefined) return 'http://localhost';
  const text = /^https?:\/\//.test(address) ? address : `${tls ? 'https' : 'http'}://${bracketed(address)}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new MusterError(
      'config.invalid',
      `${JSON.stringify(address)} is not an address of an HTTP API. Write host:port or http(s)://host:port.`,
      { cause },
    );
  }
  // A URL's default port (80, 443) is written away by `URL`: it counts only when it was written.
  const hasPort = url.port !== '' || /:\d+\/?$/.test(text);
  if (!hasPort && !/^https?:\/\//.test(address)) url.port = String(DEFAULT_PORT);
  return `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, '');
}

/** "::1" is an address without a port: it needs brackets in a URL. ":8500" is this machine. */
function bracketed(address: string): string {
  if (/^:\d+$/.test(address)) return `127.0.0.1${address}`;
  return /^[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(address) ? `[${address}]` : address;
}
