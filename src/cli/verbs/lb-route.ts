/** The flags of `muster lb` that say what is done with requests, and which upstream gets them. */
import { readFileSync } from 'node:fs';
import { BACKEND_DEFAULTS } from '../../discovery/backend.ts';
import type { StaticUpstream } from '../../discovery/static.ts';
import { fileTrouble, MusterError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { checkAccessFormat } from '../../proxy/access-log.ts';
import { checkPolicy } from '../../route/policies.ts';
import type { FlagValues } from '../flags.ts';
import { type Upstream, upstreamsOf } from './lb-upstreams.ts';

export const routeFlags = {
  options: {
    kind: 'list',
    value: 'OPTIONS',
    summary:
      'Options as behind a urlprefix- tag, such as "sticky=true rate=20/s timeout=5s allow=ip:10.0.0.0/8"; with tcp and udp slowstart=, rate= and maxconn=.',
  },
  zone: {
    kind: 'string',
    value: 'NAME',
    summary: 'Where this balancer stands: upstreams with another zone= get what is too much for those here.',
  },
  mirror: {
    kind: 'list',
    value: 'HOST:PORT',
    summary: 'Where copies of requests go, whose answers nobody sees; several with commas.',
  },
  'mirror-share': {
    kind: 'string',
    value: 'SHARE',
    summary: 'Part of the requests that is copied, such as 10% or 0.1.',
    default: '100%',
  },
  auth: {
    kind: 'string',
    value: 'FILE',
    summary: 'Ask for a user of this file, as htpasswd writes it (htpasswd -B); read again when it changes.',
  },
  'auth-realm': {
    kind: 'string',
    value: 'TEXT',
    summary: 'What browsers show when they ask for the password of -auth.',
    default: 'muster',
  },
  'redirect-https': {
    kind: 'boolean',
    summary: 'Send whoever comes in clear text to the first -listen-tls, with the same host and path.',
  },
  'sticky-key-file': {
    kind: 'string',
    value: 'FILE',
    summary:
      'What cookies of sticky= are made with, the same for balancers that stand in for each other. Default: random, so that a restart chooses anew; a process that takes over (muster reload -process) goes on with it.',
  },
  compress: { kind: 'boolean', summary: 'Compress texts as the client likes best (zstd, brotli or gzip).' },
  'access-log': {
    kind: 'string',
    value: 'FILE',
    summary: 'A line for each request, to a file or to "stdout"; nowhere unless given.',
  },
  'access-log-format': {
    kind: 'string',
    value: 'FORMAT',
    summary: 'common, combined, json, or a text such as "$remote_host $request $response_status".',
    default: 'common',
  },
  http2: { kind: 'boolean', summary: 'HTTP/2 and gRPC on -listen too (h2c); -listen-tls has it anyway.' },
} as const;

type Given = FlagValues<typeof routeFlags>;

/** Each is a flag, since what it names is no part of the route. */
const SAID_ELSEWHERE: Readonly<Record<string, string>> = {
  mirror: 'say -mirror HOST:PORT',
  auth: 'say -auth FILE',
  register: 'there is no registry',
};

/** Services of what is no upstream: of what gets copies, and of what leads elsewhere. */
const MIRROR = 'mirror';
const REDIRECT = 'redirect';
/** Of upstreams. */
export const SERVICE = 'upstream';
/** Name of the scheme of `-auth`. */
const SCHEME = 'auth';

export interface LbRoute {
  /** Each with the tags that make its routes. */
  readonly upstreams: readonly StaticUpstream[];
  readonly auth: { readonly name: string; readonly realm: string; readonly file: string } | undefined;
  readonly accessLog: { readonly target: string; readonly format: string } | undefined;
  readonly compress: boolean;
  /** Undefined: a random one. */
  readonly stickyKey: string | undefined;
  readonly zone: string;
}

/** What was given of `-options`, as words. Throws `usage`. */
export function optionsOf(given: readonly string[] | undefined): string[] {
  const words = (given ?? []).flatMap((text) => text.split(/\s+/)).filter((word) => word !== '');
  for (const word of words) {
    const elsewhere = SAID_ELSEWHERE[word.split('=', 1)[0]!];
    if (elsewhere !== undefined) throw new MusterError('usage', `-options: not "${word}": ${elsewhere}`);
  }
  const [wrong] = checkPolicy({ options: words.join(' ') });
  if (wrong !== undefined) throw new MusterError('usage', `-options: ${wrong}`);
  return words;
}

/** `tagPrefix`: of the tags that make routes; `tlsPort`: where HTTPS is served, if it is. Throws `usage`. */
export function routeOf(
  given: Given,
  upstreams: readonly Upstream[],
  { tagPrefix, tlsPort = 443 }: { tagPrefix: string; tlsPort?: number | undefined },
): LbRoute {
  for (const [name, owner] of Object.entries(OWNERS) as [keyof typeof OWNERS, keyof Given][])
    if (given[name] !== undefined && given[owner] === undefined)
      throw new MusterError('usage', `-${name} has no effect without -${owner}`);
  const copies = mirrorsOf(given, upstreams);
  const words = [
    ...optionsOf(given.options),
    ...(copies.length === 0 ? [] : [mirrorWord(given['mirror-share'] ?? '100%')]),
    ...(given.auth === undefined ? [] : [`auth=${SCHEME}`]),
  ];
  return {
    upstreams: [
      ...upstreams.map(({ words: own, ...upstream }) => {
        const most = upstream.maxConnections;
        const all = [...words, ...(most > 0 ? [`maxconn=${most}`] : []), ...own];
        return { ...upstream, tags: [[`${tagPrefix}/`, ...all].join(' ')] };
      }),
      ...copies,
      ...(given['redirect-https'] === true ? [redirection(tagPrefix, tlsPort)] : []),
    ],
    auth:
      given.auth === undefined
        ? undefined
        : { name: SCHEME, realm: given['auth-realm'] ?? routeFlags['auth-realm'].default, file: given.auth },
    accessLog: accessLogOf(given),
    compress: given.compress === true,
    stickyKey: stickyKeyOf(given['sticky-key-file']),
    zone: given.zone ?? '',
  };
}

/** An upstream of nobody's, so that clients are led to HTTPS whatever becomes of the others. */
function redirection(tagPrefix: string, port: number): StaticUpstream {
  // 0 is a port that nobody knows yet.
  const place = port === 443 || port === 0 ? '' : `:${port}`;
  const tags = [`${tagPrefix}*:80/ redirect=301,https://$hostname${place}$path`];
  return { ...BACKEND_DEFAULTS, host: 'redirect-https', port: 0, service: REDIRECT, tags };
}

/** Flags that say more of another one. */
const OWNERS = { 'mirror-share': 'mirror', 'auth-realm': 'auth', 'access-log-format': 'access-log' } as const;

function mirrorsOf({ mirror }: Given, upstreams: readonly Upstream[]): StaticUpstream[] {
  return upstreamsOf('mirror', mirror).map(({ words, ...place }) => {
    const address = formatHostPort(place.host, place.port);
    if (words.length > 0)
      throw new MusterError('usage', `-mirror ${address}: "${words[0]}" is for an -upstream`);
    if (upstreams.some(({ host, port }) => host === place.host && port === place.port))
      throw new MusterError(
        'usage',
        `-mirror ${address} is an -upstream too and would get requests twice; name another place`,
      );
    return { ...place, service: MIRROR, tags: [] };
  });
}

function mirrorWord(share: string): string {
  const word = `mirror=${MIRROR},${share}`;
  if (checkPolicy({ options: word }).length === 0) return word;
  throw new MusterError(
    'usage',
    `-mirror-share: expected a part of the requests like 10% or 0.1, got "${share}"`,
  );
}

function accessLogOf({ 'access-log': target, 'access-log-format': format = 'common' }: Given) {
  if (target === undefined) return undefined;
  const wrong = checkAccessFormat(format);
  if (wrong !== undefined) throw new MusterError('usage', `-access-log-format: ${wrong}`);
  return { target, format };
}

function stickyKeyOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let key: string;
  try {
    key = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new MusterError('usage', `-sticky-key-file: cannot read ${file}: ${fileTrouble(cause)}`, { cause });
  }
  if (key === '') throw new MusterError('usage', `-sticky-key-file: ${file} is empty`);
  return key;
}
