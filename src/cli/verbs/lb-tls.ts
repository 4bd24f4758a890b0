/** The flags of `muster lb` that are about TLS. */
import { MusterError } from '../../errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import type { ChallengeType } from '../../proxy/acme/client.ts';
import { CERTIFIED_NAME, LETS_ENCRYPT } from '../../proxy/certificates/acme.ts';
import { lookAt } from '../../proxy/certificates/first-look.ts';
import type { SourceOptions } from '../../proxy/certificates/kinds.ts';
import {
  CLIENT_AUTH,
  type ClientAuth,
  DEFAULT_TLS,
  TLS_VERSIONS,
  type TlsSettings,
  type TlsVersion,
} from '../../proxy/tls/spec.ts';
import type { FlagValues } from '../flags.ts';

/** How often files are looked at (ms). */
const REFRESH = 3_000;

export const tlsFlags = {
  'listen-tls': {
    kind: 'list',
    value: 'HOST:PORT',
    summary: 'Where requests come in over TLS; several with commas.',
  },
  'tls-cert': {
    kind: 'list',
    value: 'FILE',
    summary:
      'Certificate (PEM) with what issued it; several with commas, the first for clients that name none of them. Read again when it changes.',
  },
  'tls-key': {
    kind: 'list',
    value: 'FILE',
    summary: 'Key of each -tls-cert, in their order. Left out, it is in the same file.',
  },
  'tls-path': {
    kind: 'list',
    value: 'FOLDER',
    summary: 'Folder of certificates: x-cert.pem with x-key.pem, or x.pem with both.',
  },
  acme: {
    kind: 'list',
    value: 'NAME',
    summary:
      "Get and renew a certificate for these names from Let's Encrypt, which has to reach -listen on port 80 or -listen-tls on 443.",
  },
  'acme-path': {
    kind: 'string',
    value: 'FOLDER',
    summary: 'Where account and certificate of -acme are kept.',
    default: 'acme',
  },
  'acme-directory': { kind: 'string', value: 'URL', summary: 'Another authority for -acme.' },
  'acme-challenge': {
    kind: 'string',
    choices: ['http-01', 'tls-alpn-01'],
    summary: 'How names are proven, if only one way can work.',
  },
  'acme-ca': {
    kind: 'string',
    value: 'FILE',
    summary: 'Who issued the certificate of that authority itself.',
  },
  'tls-client-ca': {
    kind: 'string',
    value: 'FILE',
    summary: 'Who may have issued the certificates of clients, which are required then.',
  },
  'tls-client-auth': {
    kind: 'string',
    choices: CLIENT_AUTH,
    summary: 'Whether clients have to show a certificate.',
  },
  'tls-min-version': {
    kind: 'string',
    choices: TLS_VERSIONS,
    summary: 'Oldest version of TLS.',
    default: DEFAULT_TLS.minVersion,
  },
  'tls-ciphers': {
    kind: 'string',
    value: 'NAMES',
    summary: "Cipher suites by OpenSSL's names, joined by colons.",
  },
  'tls-no-tickets': {
    kind: 'boolean',
    summary: 'Let no client resume a session: every connection is a whole handshake.',
  },
  'tls-strict': { kind: 'boolean', summary: 'Refuse clients that ask for a name no certificate is for.' },
} as const;

export interface LbTls {
  readonly listen: readonly {
    readonly host: string;
    readonly port: number;
    readonly tls: TlsSettings;
    readonly http2: boolean;
  }[];
  readonly certificates: ReadonlyMap<string, readonly SourceOptions[]>;
}

/** `listen`: where it listens in clear text. Throws `usage`. */
export function tlsOf(given: FlagValues<typeof tlsFlags> & { listen?: readonly string[] }): LbTls {
  const places = words(given['listen-tls']);
  const certs = words(given['tls-cert']);
  const keys = words(given['tls-key']);
  const folders = words(given['tls-path']);
  const clientCa = given['tls-client-ca'];
  if (places.length === 0) {
    const stray = Object.keys(tlsFlags).find((name) => given[name as keyof typeof tlsFlags] !== undefined);
    if (stray !== undefined)
      throw new MusterError('usage', `-${stray} has no effect without -listen-tls: say host:port`);
    return { listen: [], certificates: new Map() };
  }
  const names = words(given.acme);
  if (certs.length + folders.length + names.length === 0)
    throw new MusterError(
      'usage',
      '-listen-tls needs certificates: -tls-cert FILE, -tls-path FOLDER or -acme NAME',
    );
  if (keys.length > 0 && keys.length !== certs.length)
    throw new MusterError(
      'usage',
      `-tls-key: ${keys.length} given for ${certs.length} -tls-cert; give one for each, or none`,
    );
  const clientAuth = (given['tls-client-auth'] ??
    (clientCa === undefined ? 'none' : 'required')) as ClientAuth;
  if (clientAuth !== 'none' && clientCa === undefined)
    throw new MusterError(
      'usage',
      '-tls-client-auth needs -tls-client-ca: who may have issued the certificates of clients',
    );
  const ciphers = given['tls-ciphers'];
  const tls: TlsSettings = {
    ...DEFAULT_TLS,
    clientAuth,
    minVersion: (given['tls-min-version'] ?? DEFAULT_TLS.minVersion) as TlsVersion,
    strict: given['tls-strict'] === true,
    tickets: given['tls-no-tickets'] !== true,
    ...(ciphers === undefined ? {} : { ciphers }),
  };
  const files = certs.map(
    (cert, i): SourceOptions => ({ kind: 'file', cert, key: keys[i], refresh: REFRESH }),
  );
  const paths = folders.map((cert): SourceOptions => ({ kind: 'path', cert, refresh: REFRESH }));
  for (const name of names)
    if (!CERTIFIED_NAME.test(name))
      throw new MusterError('usage', `-acme: expected a DNS name, no wildcard, got "${name}"`);
  const challenge = given['acme-challenge'];
  if (challenge === 'http-01' && given.listen === undefined)
    throw new MusterError(
      'usage',
      '-acme-challenge http-01 needs -listen, in clear text: the authority asks there',
    );
  const acme: SourceOptions[] =
    names.length === 0
      ? []
      : [
          {
            kind: 'acme',
            names,
            cert: given['acme-path'] ?? 'acme',
            directory: given['acme-directory'] ?? LETS_ENCRYPT,
            contacts: [],
            challenges: challenge === undefined ? ['http-01', 'tls-alpn-01'] : [challenge as ChallengeType],
            authorityCa: given['acme-ca'],
          },
        ];
  const authorities: SourceOptions[] =
    clientCa === undefined ? [] : [{ kind: 'file', clientCa, refresh: REFRESH }];
  return {
    listen: places.map((text) => ({ ...placeOf(text), tls, http2: true })),
    certificates: new Map([[tls.store, [...files, ...paths, ...acme, ...authorities]]]),
  };
}

/**
 * Throws `usage` where a file or folder that was named has no certificate of use: nobody could connect then, and only the log
 * would tell. Later on what was good of it stays in use.
 */
export async function checkFiles({ certificates }: LbTls): Promise<void> {
  for (const source of [...certificates.values()].flat()) {
    if (source.kind !== 'file' && source.kind !== 'path') continue;
    const { certificates: count, problems } = await lookAt(source, systemClock);
    const flag =
      source.kind === 'path' ? 'tls-path' : source.cert === undefined ? 'tls-client-ca' : 'tls-cert';
    // Of a folder one good certificate is enough; the log names the others.
    const [problem] = source.kind === 'path' && count > 0 ? [] : problems;
    if (problem !== undefined) throw new MusterError('usage', `-${flag}: ${problem}`);
    if (source.kind === 'path' && count === 0)
      throw new MusterError(
        'usage',
        `-tls-path: there is no certificate (x-cert.pem, x.pem) in ${source.cert}`,
      );
  }
}

function words(given: readonly string[] | undefined): string[] {
  return (given ?? []).flatMap((text) => text.split(',')).flatMap((text) => text.trim() || []);
}

function placeOf(text: string): { host: string; port: number } {
  const place = parseHostPort(text);
  if (place !== undefined) return place;
  throw new MusterError('usage', `-listen-tls: expected host:port such as 127.0.0.1:8443, got "${text}"`);
}
