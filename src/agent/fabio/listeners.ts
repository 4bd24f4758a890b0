/** `proxy.addr` and `ui.addr`: listeners as fabio writes them. */
import { MusterError } from '../../errors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { type HostPort, parseHostPort } from '../../lib/host-port.ts';
import { TLS_VERSIONS, type TlsVersion } from '../../proxy/tls/spec.ts';
import { addressOf } from './address.ts';
import { parseKeyValues } from './key-values.ts';

/** What a listener speaks, and whether it may or must have certificates. */
const LISTENER_PROTOCOLS = {
  http: { certificates: 'none' },
  https: { certificates: 'needed' },
  tcp: { certificates: 'allowed' },
  'tcp+sni': { certificates: 'none' },
  'https+tcp+sni': { certificates: 'allowed' },
  'tcp-dynamic': { certificates: 'allowed' },
  grpc: { certificates: 'none' },
  grpcs: { certificates: 'needed' },
  prometheus: { certificates: 'allowed' },
} as const satisfies Record<string, { certificates: 'none' | 'allowed' | 'needed' }>;

export type FabioProtocol = keyof typeof LISTENER_PROTOCOLS;

export interface FabioListener extends HostPort {
  readonly protocol: FabioProtocol;
  /** Milliseconds; 0: none. */
  readonly readTimeout: number;
  readonly writeTimeout: number;
  readonly idleTimeout: number;
  /** Name of the source of its certificates; "" for clear text. */
  readonly certificates: string;
  readonly strictMatch: boolean;
  readonly tlsMin: TlsVersion | undefined;
  readonly tlsMax: TlsVersion | undefined;
  /** Names as OpenSSL or Go have them. */
  readonly tlsCiphers: readonly string[];
  readonly proxyProtocol: boolean;
  /** Until the PROXY header must have come (ms). */
  readonly proxyTimeout: number;
  /** How often a tcp-dynamic listener looks for ports (ms). */
  readonly refresh: number;
}

type Fields = { -readonly [Name in keyof FabioListener]: FabioListener[Name] };

const isTrue = (text: string): boolean => text === 'true';

/** Every option by its name. A new one is a line here. */
const OPTIONS = {
  '': (text, into) => Object.assign(into, placeOf(text)),
  addr: (text, into) => Object.assign(into, placeOf(text)),
  proto(text, into) {
    if (!Object.hasOwn(LISTENER_PROTOCOLS, text))
      throw invalid(`unknown protocol "${text}"; there are ${Object.keys(LISTENER_PROTOCOLS).join(', ')}`);
    into.protocol = text as FabioProtocol;
  },
  rt(text, into) {
    into.readTimeout = time('rt', text);
  },
  wt(text, into) {
    into.writeTimeout = time('wt', text);
  },
  it(text, into) {
    into.idleTimeout = time('it', text);
  },
  cs(text, into) {
    into.certificates = text;
  },
  strictmatch(text, into) {
    into.strictMatch = isTrue(text);
  },
  tlsmin(text, into) {
    into.tlsMin = version(text);
  },
  tlsmax(text, into) {
    into.tlsMax = version(text);
  },
  tlsciphers(text, into) {
    into.tlsCiphers = text.split(',').map((name) => name.trim());
  },
  pxyproto(text, into) {
    into.proxyProtocol = isTrue(text);
  },
  pxytimeout(text, into) {
    into.proxyTimeout = time('pxytimeout', text);
  },
  refresh(text, into) {
    into.refresh = time('refresh', text);
  },
} as const satisfies Record<string, (text: string, into: Fields) => void>;

/** A safe default for a header that never comes: fabio's. */
const PROXY_TIMEOUT = 250;
const REFRESH = 5_000;

/** `usual`: timeouts for listeners that have none of their own (ms). Throws `config.invalid`. */
export function parseListeners(
  setting: string,
  text: string,
  usual: { readonly readTimeout: number; readonly writeTimeout: number },
  note: (message: string) => void,
): FabioListener[] {
  const entries = parseKeyValues(text);
  if (typeof entries === 'string') throw invalid(`${setting}: ${entries}`);
  return entries.map((entry) => {
    const listener: Fields = {
      host: '',
      port: -1,
      protocol: 'http',
      idleTimeout: 0,
      certificates: '',
      strictMatch: false,
      tlsMin: undefined,
      tlsMax: undefined,
      tlsCiphers: [],
      proxyProtocol: false,
      proxyTimeout: PROXY_TIMEOUT,
      refresh: REFRESH,
      ...usual,
    };
    try {
      for (const [name, value] of entry) {
        if (Object.hasOwn(OPTIONS, name)) OPTIONS[name as keyof typeof OPTIONS](value, listener);
        else
          note(`unknown option "${name}" is ignored; there are ${Object.keys(OPTIONS).slice(1).join(', ')}`);
      }
      if (listener.certificates !== '' && !entry.has('proto')) listener.protocol = 'https';
      check(listener);
    } catch (error) {
      throw invalid(`${setting}: ${[...entry.values()][0] ?? ''}: ${(error as Error).message}`);
    }
    return listener;
  });
}

function check({ port, protocol, certificates }: FabioListener): void {
  if (port < 0) throw invalid('need a listening host:port');
  const wanted = LISTENER_PROTOCOLS[protocol].certificates;
  if (wanted === 'needed' && certificates === '')
    throw invalid(`proto=${protocol} requires a certificate source (cs=)`);
  if (wanted === 'none' && certificates !== '')
    throw invalid(`proto=${protocol} takes no certificate source (cs=)`);
}

function placeOf(text: string): HostPort {
  const place = parseHostPort(addressOf('addr', text));
  if (place === undefined) throw invalid(`expected host:port, got "${text}"`);
  return place;
}

function time(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw invalid(`${name}: expected a duration such as 10s, got "${text}"`);
  return ms;
}

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  tls10: 'TLSv1',
  tls11: 'TLSv1.1',
  tls12: 'TLSv1.2',
  tls13: 'TLSv1.3',
};

/** Its name, or the number that stands for it on the wire (0x0303); what is older or newer than all counts as the one next to it. */
function version(text: string): TlsVersion {
  const named = VERSIONS[text.trim().toLowerCase()];
  const number = Number(text);
  const nearest = TLS_VERSIONS[Math.min(Math.max(number - 0x0301, 0), TLS_VERSIONS.length - 1)];
  const found = named ?? (number >= 0x0300 && number <= 0x03ff ? nearest : undefined);
  if (found === undefined)
    throw invalid(`unknown TLS version "${text}"; there are ${Object.keys(VERSIONS).join(', ')}`);
  return found;
}

function invalid(message: string): MusterError {
  return new MusterError('config.invalid', message);
}
