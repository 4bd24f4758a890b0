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

/** The parts of the redirect's URL for one request; scheme and host are empty where they stay as they are. */
export function redirectTarget(
  { url }: RedirectSpec,
  { strip, prepend }: Pick<HandlingSpec, 'strip' | 'prepend'>,
  request: RedirectRequest,
): RedirectTarget {
  const whole = escaped(url, 'utf8');
  const [, scheme = '', authority = '', rest = whole] =
    /^(?:([^:/?#]+):)?\/\/([^/?#]*)(.*)$/.exec(whole) ?? [];
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
  const own = `${prepend}${stripped === '' || stripped.startsWith('/') ? '' : '/'}${stripped}`;
  const path = template.replace('$path', () => escaped(own, 'latin1'));
  return {
    scheme,
    host,
    // Two slashes without a host in front of them would name one, and of the client's choice.
    path: host === '' ? path.replace(/^[/\\]*/, '/') : path || '/',
    query: fixed !== '' || !takesPath ? fixed : escaped(request.query, 'latin1'),
  };
}

export function redirectUrl({ scheme, host, path, query }: RedirectTarget): string {
  const origin = `${scheme === '' ? '' : `${scheme}:`}${host === '' ? '' : `//${host}`}`;
  return `${origin}${path}${query === '' ? '' : `?${query}`}`;
}

/** A field's value is ASCII: of other bytes everybody makes something else. What a request says is read as Latin-1, byte by byte. */
function escaped(text: string, coding: 'utf8' | 'latin1'): string {
  return text.replace(/[\u0080-\uffff]+/g, (part) =>
    Buffer.from(part, coding).toString('hex').toUpperCase().replace(/../g, '%$&'),
  );
}
