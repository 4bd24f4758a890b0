/** Addresses of the dashboard: stable, to be shared. Pure; `navigation.ts` has the browser's side. */

export type Screen =
  | { readonly name: 'overview' }
  | { readonly name: 'services' }
  | { readonly name: 'service'; readonly service: string }
  | { readonly name: 'routes' }
  | { readonly name: 'groups' }
  /** `key`: from an old address that names one; our own have it in the query. */
  | { readonly name: 'keys'; readonly key?: string }
  | { readonly name: 'sessions' }
  | { readonly name: 'dns' }
  | { readonly name: 'access' }
  | { readonly name: 'cluster' }
  | { readonly name: 'history' }
  | { readonly name: 'events' }
  | { readonly name: 'api' }
  | { readonly name: 'connections' }
  | { readonly name: 'lost'; readonly path: string };

export interface Place {
  readonly screen: Screen;
  readonly query: URLSearchParams;
  /** The address as it is written now, when it was an old form. */
  readonly canonical: string | undefined;
}

const BASE = '/ui';

/** First words of our own addresses: never the name of a datacenter in an address of Consul's form. */
const OWN = new Set([
  'services',
  'routes',
  'groups',
  'keys',
  'kv',
  'sessions',
  'dns',
  'access',
  'acls',
  'cluster',
  'nodes',
  'history',
  'events',
  'connections',
  'api',
]);

/**
 * The screen of an address. Also understood: Consul's forms with a datacenter (`/ui/dc1/services/web`,
 * `/ui/dc1/services/web/instances/n1/web-1`, `/ui/#/dc1/services/web`) and fabio's `/routes`.
 */
export function placeOf({ pathname, search, hash }: Pick<URL, 'pathname' | 'search' | 'hash'>): Place {
  const query = new URLSearchParams(search);
  const old = hash.startsWith('#/') ? hash.slice(1) : undefined;
  const path = old ?? (pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname);
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const screen = screenOf(parts) ?? screenOf(parts.slice(1));
  if (screen === undefined) return { screen: { name: 'lost', path: pathname }, query, canonical: undefined };
  const isOld =
    old !== undefined ||
    !pathname.startsWith(BASE) ||
    screenOf(parts) === undefined ||
    parts[0] === 'kv' ||
    parts[0] === 'acls' ||
    parts[0] === 'nodes';
  const now = addressOf(screen);
  const canonical = isOld || parts.length > 2 ? (now.includes('?') ? now : now + search) : undefined;
  return { screen, query, canonical };
}

/** Screens whose address is their name. */
const PLAIN = [
  'routes',
  'groups',
  'history',
  'events',
  'connections',
  'sessions',
  'dns',
  'access',
  'api',
] as const;

function isPlain(word: string): word is (typeof PLAIN)[number] {
  return PLAIN.some((name) => name === word);
}

function screenOf([first, ...rest]: readonly string[]): Screen | undefined {
  const [second] = rest;
  if (first === undefined) return { name: 'overview' };
  if (!OWN.has(first)) return undefined;
  if (isPlain(first)) return { name: first };
  // Consul's words for them are understood too.
  if (first === 'keys') return { name: 'keys' };
  if (first === 'kv') return { name: 'keys', key: rest.at(-1) === 'edit' ? rest.slice(0, -1).join('/') : '' };
  if (first === 'acls') return { name: 'access' };
  if (first === 'cluster' || first === 'nodes') return { name: 'cluster' };
  return second === undefined ? { name: 'services' } : { name: 'service', service: second };
}

export function addressOf(screen: Screen): string {
  switch (screen.name) {
    case 'overview':
      return `${BASE}/`;
    case 'services':
    case 'routes':
    case 'groups':
    case 'cluster':
    case 'history':
    case 'events':
    case 'connections':
    case 'sessions':
    case 'dns':
    case 'access':
    case 'api':
      return `${BASE}/${screen.name}`;
    case 'keys':
      return `${BASE}/keys${screen.key ? `?key=${encodeURIComponent(screen.key)}` : ''}`;
    case 'service':
      return `${BASE}/services/${encodeURIComponent(screen.service)}`;
    case 'lost':
      return screen.path;
  }
}

/** `address` with some query parameters set or, with "", taken away. */
export function withQuery(query: URLSearchParams, changes: Readonly<Record<string, string>>): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? '' : `?${text}`;
}

/** A part that is no valid encoding stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
