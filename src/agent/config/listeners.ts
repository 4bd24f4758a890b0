/** `[[balancer.listener]]` and `[[balancer.certificates]]`: where requests come in, over TLS too, and with which certificates. */
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import * as z from 'zod';
import { formatDuration } from '../../lib/duration.ts';
import { CERTIFIED_NAME, LETS_ENCRYPT } from '../../proxy/certificates/acme.ts';
import {
  SOURCE_NAMES,
  SOURCES,
  type SourceName,
  type SourceOptions,
} from '../../proxy/certificates/kinds.ts';
import { CLIENT_AUTH, DEFAULT_TLS, TLS_VERSIONS } from '../../proxy/tls/spec.ts';
import { duration, hostPort, secret } from './fields.ts';

/** How often files and URLs are looked at. fabio's: soon enough for a renewal, nothing for the machine. */
const REFRESH = '3s';

export const listenerSchema = z
  .strictObject({
    address: hostPort().describe('Where it listens; port 0 takes a free one.'),
    protocol: z
      .enum(['http', 'https', 'tcp', 'tcp+sni', 'https+tcp+sni'])
      .default('http')
      .describe(
        '`https`: over TLS. `tcp`: connections go where a tag with the port leads (`urlprefix-:5432 proto=tcp`). `tcp+sni`: TLS is relayed as it is, where the tag with the name leads that clients ask for (`urlprefix-db.test/`, with or without `proto=tcp`); `https+tcp+sni`: for names with `proto=tcp`, and HTTPS for all others.',
      ),
    acceptProxy: z
      .boolean()
      .default(false)
      .describe(
        'Connections begin with a PROXY header, version 1 or 2, that is believed; without one they are closed.',
      ),
    http2: z
      .boolean()
      .optional()
      .describe(
        'HTTP/2 and gRPC besides HTTP/1.1. Over TLS clients choose by ALPN; in clear text it is for clients that begin with it (`h2c`, as gRPC does), and costs HTTP/1.1 a little. Default: with `https`.',
      ),
    certificates: z
      .string()
      .min(1)
      .default(DEFAULT_TLS.store)
      .describe('Name of the `[[balancer.certificates]]` that it shows. Several sources may share a name.'),
    minVersion: z
      .enum(TLS_VERSIONS)
      .default(DEFAULT_TLS.minVersion)
      .describe('Oldest version of TLS. What is older than 1.2 was retired by RFC 8996.'),
    maxVersion: z.enum(TLS_VERSIONS).default(DEFAULT_TLS.maxVersion).describe('Newest version of TLS.'),
    ciphers: z
      .string()
      .min(1)
      .optional()
      .describe("Cipher suites by OpenSSL's names, joined by colons, TLS 1.3 included. Default: Node's."),
    curves: z
      .string()
      .min(1)
      .optional()
      .describe('Groups of the key exchange, joined by colons, best first. Default: OpenSSL’s.'),
    clientAuth: z
      .enum(CLIENT_AUTH)
      .optional()
      .describe(
        'Whether clients have to show a certificate by one of the `client_ca`. Default: `required` when its certificates have a `client_ca`, `none` otherwise. `optional`: they may, but it has to be valid.',
      ),
    tickets: z
      .boolean()
      .default(DEFAULT_TLS.tickets)
      .describe('Let clients resume sessions with tickets; their keys change every 12 hours.'),
    strict: z
      .boolean()
      .default(DEFAULT_TLS.strict)
      .describe(
        'Refuse clients that ask for a name no certificate is for; otherwise they are shown the first one.',
      ),
    handshakeTimeout: duration({ least: 1 })
      .prefault(formatDuration(DEFAULT_TLS.handshakeTimeout))
      .describe('From accept to the end of the handshake.'),
  })
  .superRefine(({ minVersion, maxVersion, ciphers, curves }, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (TLS_VERSIONS.indexOf(minVersion) > TLS_VERSIONS.indexOf(maxVersion))
      complain('minVersion', `is newer than max_version, "${maxVersion}"`);
    if (ciphers !== undefined && !isTaken({ ciphers }))
      complain('ciphers', `OpenSSL knows none of them: "${ciphers}". \`openssl ciphers\` lists the names`);
    if (curves !== undefined && !isTaken({ ecdhCurve: curves }))
      complain('curves', `OpenSSL does not know them: "${curves}"`);
  })
  .describe(
    'A place where requests or connections come in, in addition to `balancer.listen`. Keys of TLS count for `https` only.',
  );

const NEEDS_URL: readonly SourceName[] = ['http', 'consul'];

export const certificatesSchema = z
  .strictObject({
    name: z.string().min(1).default(DEFAULT_TLS.store).describe('What listeners call it.'),
    kind: z
      .enum(SOURCE_NAMES)
      .describe(SOURCE_NAMES.map((kind) => `\`${kind}\`: ${lowerFirst(SOURCES[kind].about)}`).join(' ')),
    cert: z
      .string()
      .min(1)
      .describe(
        'The file, relative to this one; the folder (for `acme` the one where account and certificate are kept); the URL of the list; the prefix; the URL of the prefix (`http://host:8500/v1/kv/certs`, a token as `?token=`). PEM, what issued a certificate behind it; the first by name is shown to clients that ask for none of them.',
      ),
    key: z.string().min(1).optional().describe('`file`: where the key is. Default: in `cert`.'),
    passphrase: secret().describe('`file`: of an encrypted key.'),
    clientCa: z
      .string()
      .min(1)
      .optional()
      .describe('Where, in the same manner, those are who may have issued the certificates of clients.'),
    refresh: duration({ least: 1_000 })
      .prefault(REFRESH)
      .describe('Time between two looks at files and URLs.'),
    names: z
      .array(z.string().regex(CERTIFIED_NAME, { error: 'expected a DNS name, no wildcard' }))
      .default([])
      .describe('`acme`: what the certificate is for.'),
    directory: z
      .string()
      .refine(isHttpUrl, { error: 'expected a URL' })
      .default(LETS_ENCRYPT)
      .describe('`acme`: URL of the authority. Whoever names it here agrees to its terms of service.'),
    contacts: z
      .array(z.string().min(3))
      .default([])
      .describe('`acme`: mail addresses that the authority may write to.'),
    challenges: z
      .array(z.enum(['http-01', 'tls-alpn-01']))
      .min(1)
      .default(['http-01', 'tls-alpn-01'])
      .describe(
        '`acme`: how names are proven, best first: `http-01` by a listener in clear text that is reached on port 80, `tls-alpn-01` by one over TLS on port 443.',
      ),
    authorityCa: z
      .string()
      .min(1)
      .optional()
      .describe('`acme`: file with who issued the certificate of the authority itself, for one of your own.'),
  })
  .superRefine(({ kind, cert, key, passphrase, clientCa, names }, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (kind !== 'file' && key !== undefined) complain('key', 'only certificates of kind "file" have it');
    if (kind !== 'file' && passphrase !== '')
      complain('passphrase', 'only certificates of kind "file" have it');
    if (kind === 'acme' && names.length === 0) complain('names', 'say what the certificate is for');
    if (kind !== 'acme' && names.length > 0) complain('names', 'only certificates of kind "acme" have it');
    if (kind === 'acme' && clientCa !== undefined)
      complain('clientCa', 'certificates of kind "acme" have none; name another source beside it');
    for (const [path, url] of [
      ['cert', cert],
      ['clientCa', clientCa],
    ] as const)
      if (NEEDS_URL.includes(kind) && url !== undefined && !isHttpUrl(url))
        complain(path, `expected a URL such as "http://127.0.0.1:8500/v1/kv/certs", got "${url}"`);
  })
  .describe(
    'Certificates for TLS listeners, read again when they change. Several sources of one name add up.',
  );

/** What cannot be seen in one listener alone: whether what it shows is there. */
export function checkListeners(
  balancer: {
    readonly listener: readonly ListenerConfig[];
    readonly certificates: readonly CertificatesConfig[];
  },
  complain: (path: readonly (string | number)[], message: string) => void,
): void {
  for (const [i, { protocol, certificates, clientAuth = 'none' }] of balancer.listener.entries()) {
    if (!isHttps(protocol)) continue;
    const sources = balancer.certificates.filter(({ name }) => name === certificates);
    if (sources.length === 0)
      complain(
        ['listener', i, 'certificates'],
        `there are no [[balancer.certificates]] with the name "${certificates}"`,
      );
    else if (clientAuth !== 'none' && sources.every(({ clientCa }) => clientCa === undefined))
      complain(['listener', i, 'clientAuth'], `certificates "${certificates}" have no client_ca`);
  }
}

/** Whether TLS ends there. */
export function isHttps(protocol: ListenerConfig['protocol']): boolean {
  return protocol === 'https' || protocol === 'https+tcp+sni';
}

function isTaken(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

export type ListenerConfig = z.output<typeof listenerSchema>;
export type CertificatesConfig = z.output<typeof certificatesSchema>;

/** As the balancer takes it. */
export function sourceOf(config: CertificatesConfig): SourceOptions {
  const {
    kind,
    cert,
    key,
    passphrase,
    clientCa,
    refresh,
    names,
    directory,
    contacts,
    challenges,
    authorityCa,
  } = config;
  if (kind === 'acme') return { kind, cert, names, directory, contacts, challenges, authorityCa };
  return { kind, cert, key, clientCa, refresh, passphrase: passphrase === '' ? undefined : passphrase };
}
