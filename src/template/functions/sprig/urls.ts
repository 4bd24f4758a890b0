/** sprig's functions for URLs, taken apart and put together as Go's net/url does. */
import { fn, MAP, STRING, type Value, ValueError } from '../../language/index.ts';
import { type Group, pure } from '../entry.ts';

const PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/;

const refused = (text: string, why: string): ValueError =>
  new ValueError(`unable to parse url: ${JSON.stringify(text)}: ${why}`);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new ValueError(`unable to parse url: invalid URL escape in ${JSON.stringify(text)}`, { cause });
  }
}

/** What may stand in front of "@". */
const USER = /^[\w\-.~:!$&'()*+,;=%@]*$/;

function parseUrl(text: string): Value {
  if (/\p{Cc}/u.test(text)) throw refused(text, 'there are control characters in it');
  const [, scheme = '', authority, rest = '', query = '', fragment = ''] = PARTS.exec(text) ?? [];
  const at = authority?.lastIndexOf('@') ?? -1;
  const host = decoded(authority?.slice(at + 1) ?? '');
  if (/\s/.test(host)) throw refused(text, 'there is a space in the host');
  if (/:(?!\d*$)[^\]]*$/.test(host)) throw refused(text, 'the port is no number');
  if (scheme === '' && authority === undefined && /^[^/]*:/.test(rest))
    throw refused(text, 'the first part of a path has no colon');
  const isOpaque = scheme !== '' && authority === undefined && !rest.startsWith('/');
  return new Map<Value, Value>([
    ['scheme', scheme.toLowerCase()],
    ['host', host],
    ['hostname', host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')],
    ['path', isOpaque ? '' : decoded(rest)],
    ['query', query],
    ['opaque', isOpaque ? rest : ''],
    ['fragment', decoded(fragment)],
    ['userinfo', at === -1 ? '' : (authority as string).slice(0, at)],
  ]);
}

const escaped = (text: string, kept: RegExp): string =>
  Array.from(text, (one) => (kept.test(one) ? one : encodeURIComponent(one))).join('');

function joinUrl(parts: Map<Value, Value>): string {
  const of = (name: string): string => {
    const value = parts.get(name);
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string')
      throw new ValueError(`unable to parse ${name} key, must be of type string`);
    return value;
  };
  const [scheme, host, path, query, opaque, fragment, user] = [
    of('scheme'),
    of('host'),
    escaped(of('path'), /[\w\-.~!$&'()*+,;=:@/]/),
    of('query'),
    of('opaque'),
    escaped(of('fragment'), /[\w\-.~!$&'()*+,;=:@/?]/),
    of('userinfo'),
  ];
  if (!USER.test(user)) throw new ValueError(`unable to parse userinfo in dict: ${JSON.stringify(user)}`);
  const hasAuthority = host !== '' || user !== '' || (scheme !== '' && path !== '');
  const authority = hasAuthority ? `//${user === '' ? '' : `${user}@`}${host}` : '';
  // What would read as something else than a path begins in a way that does not.
  const before =
    host !== '' && path !== '' && !path.startsWith('/')
      ? '/'
      : scheme === '' && !hasAuthority && /^[^/]*:/.test(path)
        ? './'
        : '';
  const middle = opaque === '' ? authority + before + path : opaque;
  return [
    scheme === '' ? '' : `${scheme}:`,
    middle,
    query === '' ? '' : `?${query}`,
    fragment === '' ? '' : `#${fragment}`,
  ].join('');
}

export const URLS: Group = {
  urlParse: pure(
    fn([STRING], MAP, parseUrl),
    'A URL as a map: `scheme`, `host`, `hostname`, `path`, `query`, `opaque`, `fragment`, `userinfo`.',
    '{{ (sprig_urlParse "http://a:80/b?c").path }}',
  ),
  urlJoin: pure(
    fn([MAP], STRING, joinUrl),
    'Such a map as a URL.',
    '{{ sprig_dict "scheme" "http" "host" "a:80" | sprig_urlJoin }}',
  ),
};
