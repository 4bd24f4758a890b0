import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { MusterError, messageOf } from '../errors.ts';

/** Where an engine listens. */
export type DockerEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: DockerTls };

/** Paths of PEM files. They are read for each connection, so that renewed certificates are taken up. */
export interface DockerTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Whether the engine's certificate must be right. */
  readonly verify: boolean;
}

/** As in Docker's own tools. */
export interface DockerAddress {
  /** `DOCKER_HOST`. Default `unix:///var/run/docker.sock`. */
  readonly host?: string | undefined;
  /** `DOCKER_CERT_PATH`: a folder with `ca.pem`, `cert.pem`, `key.pem`. Default `~/.docker`. */
  readonly certPath?: string | undefined;
  /** `DOCKER_TLS_VERIFY`: any text but "" for yes. */
  readonly tlsVerify?: string | undefined;
  /** Files in other places than in `certPath`. */
  readonly tls?: DockerTls | undefined;
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
/** Docker's registered ports, without and with TLS. */
const PORT = 2375;
const TLS_PORT = 2376;

/** From `DOCKER_HOST`, `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY`. Throws `config.invalid`. */
export function endpointFromEnv(env: Readonly<Record<string, string | undefined>>): DockerEndpoint {
  return dockerEndpoint({
    host: env.DOCKER_HOST,
    certPath: env.DOCKER_CERT_PATH,
    tlsVerify: env.DOCKER_TLS_VERIFY,
  });
}

/**
 * `unix:///path`, `tcp://host:port`, `http://…`, `https://…`. TLS is spoken for `https`, and for `tcp` when a
 * certificate path or verification is asked for; without verification the engine's certificate may be anybody's, as in
 * Docker's tools. Throws `config.invalid`.
 */
export function dockerEndpoint({ host, certPath, tlsVerify, tls }: DockerAddress): DockerEndpoint {
  const text = host ? host : DEFAULT_HOST;
  const [, scheme, rest = ''] = /^(\w+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme === 'unix' && rest !== '') return { kind: 'unix', path: rest };
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https') throw invalid(text);
  const verify = Boolean(tlsVerify);
  const secure =
    tls !== undefined || scheme === 'https' || (scheme === 'tcp' && (verify || Boolean(certPath)));
  let url: URL;
  try {
    // A scheme without a default port, so that a written ":80" is kept.
    url = new URL(`docker://${rest}`);
  } catch (cause) {
    throw invalid(text, cause);
  }
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (name === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.username !== '')
    throw invalid(text);
  const port = url.port === '' ? (secure ? TLS_PORT : PORT) : Number(url.port);
  if (!secure) return { kind: 'tcp', host: name, port };
  return { kind: 'tcp', host: name, port, tls: tls ?? tlsIn(certPath, verify || scheme === 'https') };
}

/** `https` alone trusts what the system trusts; whoever says where the certificates are must have them there. */
function tlsIn(certPath: string | undefined, verify: boolean): DockerTls {
  const folder = certPath ? certPath : join(homedir(), '.docker');
  const file = (name: string) => join(folder, name);
  return { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem'), verify };
}

/** What `node:tls` needs. Throws `config.unreadable` with the name of the file. */
export function readTls({ ca, cert, key, verify }: DockerTls): ConnectionOptions {
  const read = (path: string | undefined) => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new MusterError(
        'config.unreadable',
        `a certificate for the container engine cannot be read: ${messageOf(cause)}. DOCKER_CERT_PATH names the folder with ca.pem, cert.pem and key.pem.`,
        { cause },
      );
    }
  };
  const [authority, certificate, secret] = [read(ca), read(cert), read(key)];
  return {
    rejectUnauthorized: verify,
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(secret === undefined ? {} : { key: secret }),
  };
}

/** The text that names the endpoint, for people. */
export function formatEndpoint(endpoint: DockerEndpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `tcp://${host}:${endpoint.port}`;
}

function invalid(text: string, cause?: unknown): MusterError {
  return new MusterError(
    'config.invalid',
    `DOCKER_HOST is ${JSON.stringify(text)}: write unix:///path/to/the.sock or tcp://host:port. For an engine behind ssh, forward its socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock host`,
    { cause },
  );
}
