/** Options behind the route in a tag: which are known, and which the data path cannot carry out yet. */

/** Protocols that `proto=` names, by how the instance is spoken to. */
export const PROTOCOLS = {
  http: { scheme: 'http', slash: true },
  https: { scheme: 'https', slash: false },
  tcp: { scheme: 'tcp', slash: false },
  grpc: { scheme: 'grpc', slash: false },
  grpcs: { scheme: 'grpcs', slash: false },
} as const satisfies Record<
  string,
  { scheme: string /** Whether the URL ends in a slash. */; slash: boolean }
>;

export type Protocol = keyof typeof PROTOCOLS;

interface OptionKind {
  /** What is wrong with the value, or undefined. The option is then ignored and the route stays. */
  check?(value: string): string | undefined;
  /** Why a route with this option gets no traffic: to leave the option out would send requests astray. */
  readonly obstacle?: string;
}

const later = (what: string): OptionKind => ({ obstacle: `${what} is not carried out yet` });

/** Access rules must hold or the route stays closed: leaving them out would open it to everybody. */
const closed = (what: string): OptionKind => ({
  obstacle: `${what} cannot be enforced yet, so the route stays closed`,
});

export const TAG_OPTIONS = {
  strip: { check: (value) => (value.startsWith('/') ? undefined : 'it must begin with "/"') },
  weight: {
    check: (value) =>
      /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? undefined : 'it must be a number like 0.25',
  },
  proto: {
    check: (value) =>
      value in PROTOCOLS ? undefined : `it must be one of ${Object.keys(PROTOCOLS).join(', ')}`,
  },
  prepend: later('prepend='),
  host: later('host='),
  redirect: later('redirect='),
  auth: closed('auth='),
  allow: closed('allow='),
  deny: closed('deny='),
} as const satisfies Record<string, OptionKind>;

export function optionKind(name: string): OptionKind | undefined {
  return Object.hasOwn(TAG_OPTIONS, name) ? TAG_OPTIONS[name as keyof typeof TAG_OPTIONS] : undefined;
}
