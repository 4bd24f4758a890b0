/** Where a redirect leads: `$path`, `$host` and `$hostname` (without its port) of its URL stand for those of the request. */
import type { HandlingSpec, RedirectSpec } from '../../route/handling.ts';

export interface RedirectRequest {
  /** As the client said it. */
  readonly host: string;
  /** As it stands in the request, without the query. */
  readonly path: string;
  /** Without "?". */
  readonly query: string;
}

export interface RedirectTarget {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  /** Without "?". */
  readonly query: string;
}

/** The parts of the redirect's URL for one request. */
export function redirectTarget(
  { url }: RedirectSpec,
  { strip, prepend }: Pick<HandlingSpec, 'strip' | 'prepend'>,
  request: RedirectRequest,
): RedirectTarget {
  const [, scheme = '', authority = '', rest = ''] = /^([^:]+):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  const [pattern = '', fixed = ''] = rest.split('?', 2);
  // "https://new.test$path": the path begins inside of what looks like the host.
  const isBare = authority.endsWith('$path');
  const host = (isBare ? authority.slice(0, -'$path'.length) : authority).replace(
    /\$host(name)?/,
    (_, bare?: string) => (bare === undefined ? request.host : request.host.replace(/:\d*$/, '')),
  );
  const template = (isBare ? `$path${pattern}` : pattern).replace('/$path', '$path');
  const takesPath = template.includes('$path');
  const stripped = request.path.startsWith(strip) ? request.path.slice(strip.length) : request.path;
  const own = `${prepend}${stripped.startsWith('/') ? stripped : `/${stripped}`}`;
  return {
    scheme,
    host,
    path: template.replace('$path', () => own) || '/',
    query: fixed !== '' || !takesPath ? fixed : request.query,
  };
}

export function redirectUrl({ scheme, host, path, query }: RedirectTarget): string {
  return `${scheme}://${host}${path}${query === '' ? '' : `?${query}`}`;
}
