import { readFileSync } from 'node:fs';
import { MusterError, messageOf } from '../errors.ts';

export interface ClientOptions {
  /** URL, "host:port" or "host" of an agent's HTTP API. Default 127.0.0.1:8500, where an agent listens. */
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
  /** Another `fetch`, for example one that trusts a private certificate authority. */
  fetch?: typeof globalThis.fetch;
}

const DEFAULT_PORT = 8500;

/** Reads Consul's variables: CONSUL_HTTP_ADDR, _TOKEN, _TOKEN_FILE, _SSL, _AUTH. Throws `config.invalid`. */
export function clientOptionsFromEnv(env: Readonly<Record<string, string | undefined>>): ClientOptions {
  const options: ClientOptions = {};
  if (env.CONSUL_HTTP_ADDR) options.address = env.CONSUL_HTTP_ADDR;
  if (env.CONSUL_HTTP_SSL) options.tls = booleanOf('CONSUL_HTTP_SSL', env.CONSUL_HTTP_SSL);
  if (env.CONSUL_HTTP_AUTH) options.basicAuth = env.CONSUL_HTTP_AUTH;
  const token = tokenOf(env);
  if (token !== '') options.token = token;
  return options;
}

/** A token in a file wins over one in the environment, as in Consul's own client. */
function tokenOf(env: Readonly<Record<string, string | undefined>>): string {
  const path = env.CONSUL_HTTP_TOKEN_FILE;
  if (!path) return env.CONSUL_HTTP_TOKEN ?? '';
  try {
    return readFileSync(path, 'utf8').trim() || (env.CONSUL_HTTP_TOKEN ?? '');
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

/** The URL that paths such as "/v1/…" are appended to, without a slash at its end. */
export function baseUrl({ address = '127.0.0.1', tls = false }: ClientOptions): string {
  if (/^unix:/.test(address))
    throw new MusterError(
      'config.invalid',
      `the address ${address} is a Unix socket, which the client cannot use. Give host:port of the HTTP API.`,
    );
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
