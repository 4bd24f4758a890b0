/**
 * Addresses as Consul's files and consul-template's `sockaddr` write them: go-sockaddr's templates,
 * `{{ GetPrivateInterfaces | include "network" "10.0.0.0/8" | attr "address" }}`
 * (https://pkg.go.dev/github.com/hashicorp/go-sockaddr/template).
 */
import { readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type AddressRange, addressBytes, addressRange, isInRange } from './ip.ts';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** One address of one interface. */
interface Own {
  readonly name: string;
  readonly address: string;
  readonly bytes: Uint8Array;
  /** Bits of the network that it lies in. */
  readonly bits: number;
  readonly isLoopback: boolean;
  /** Of the interface that packets to anywhere leave by. */
  readonly isDefault: boolean;
}

/** Of a machine: its interfaces, and the one that packets to anywhere leave by. */
export interface Surroundings {
  readonly interfaces: Interfaces;
  readonly defaultInterface: string;
}

/** What stands between `|`; `undefined` for one that is not known or does not fit. */
type Stage = (input: readonly Own[], args: readonly string[]) => readonly Own[] | string | undefined;

/**
 * The text with its templates filled in from this machine's interfaces. What is no such template, or fits no address,
 * stays as it is and is refused where it is used.
 */
export function fillAddress(text: string, surroundings: Surroundings = here()): string {
  return text.replace(
    /\{\{-?\s*((?:"(?:[^"\\]|\\.)*"|[^{}"])*?)\s*-?\}\}/g,
    (template, expression: string) => {
      const filled = evaluate(expression, all(surroundings));
      return filled === undefined || filled === '' ? template : filled;
    },
  );
}

function here(): Surroundings {
  return { interfaces: networkInterfaces(), defaultInterface: defaultInterface() };
}

/** The interface that packets to anywhere leave by, from Linux's table of routes; "" where there is none. */
export function defaultInterface(): string {
  try {
    const rows = readFileSync('/proc/net/route', 'utf8').split('\n');
    return /^(\S+)\s+00000000\s/.exec(rows.find((row) => /^\S+\s+00000000\s/.test(row)) ?? '')?.[1] ?? '';
  } catch {
    return '';
  }
}

function all({ interfaces, defaultInterface }: Surroundings): Own[] {
  const own = Object.entries(interfaces).flatMap(([name, infos]) =>
    (infos ?? []).flatMap((info: Pick<NetworkInterfaceInfo, 'address' | 'internal' | 'cidr'>) => {
      const bytes = addressBytes(info.address);
      if (bytes === undefined) return [];
      const { bits } = addressRange(info.cidr ?? info.address) ?? { bits: bytes.length * 8 };
      const { address, internal: isLoopback } = info;
      return [{ name, address, bytes, bits, isLoopback, isDefault: name === defaultInterface }];
    }),
  );
  // IPv4 before IPv6, as go-sockaddr has it.
  return own.sort(byType);
}

const byType = (a: Own, b: Own): number => a.bytes.length - b.bytes.length;
const isV4 = ({ bytes }: Own): boolean => bytes.length === 4;

/** Read when they are first looked for: no agent does so at its start, which is made of such things. */
function ranges(...texts: string[]): () => readonly AddressRange[] {
  let all: readonly AddressRange[] | undefined;
  return () => {
    all ??= texts.flatMap((text) => addressRange(text) ?? []);
    return all;
  };
}

/** Ranges that documents set apart, by their numbers. */
const RFCS: Readonly<Record<string, () => readonly AddressRange[]>> = {
  1918: ranges('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'),
  3927: ranges('169.254.0.0/16'),
  4193: ranges('fc00::/7'),
  4291: ranges('::1/128', '::/128', 'fe80::/10', 'ff00::/8'),
  5737: ranges('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'),
  6598: ranges('100.64.0.0/10'),
  6890: ranges(
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '::1/128',
    '::/128',
    'fc00::/7',
    'fe80::/10',
    'ff00::/8',
    '2001:db8::/32',
  ),
};

const isIn = ({ bytes }: Own, all: readonly AddressRange[] = []): boolean =>
  all.some((range) => isInRange(bytes, range));
/** What packets from elsewhere do not reach, but those of the own network do: RFC 6890 without what is not forwarded. */
const PRIVATE = ranges(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  'fc00::/7',
);
const isPrivate = (one: Own): boolean => !one.isLoopback && isIn(one, PRIVATE());
const isPublic = (one: Own): boolean => isForwardable(one) && !isPrivate(one);
const LINK_LOCAL = ranges('169.254.0.0/16', 'fe80::/10');
const isForwardable = (one: Own): boolean => !one.isLoopback && !isIn(one, LINK_LOCAL());

const FLAGS: Readonly<Record<string, (one: Own) => boolean>> = {
  up: () => true,
  loopback: ({ isLoopback }) => isLoopback,
  broadcast: (one) => isV4(one) && !one.isLoopback,
  forwardable: isForwardable,
  'global unicast': isForwardable,
  'link-local unicast': (one) => isIn(one, LINK_LOCAL()),
};

/** What `include` and `exclude` look at. */
const CRITERIA: Readonly<Record<string, (value: string) => ((one: Own) => boolean) | undefined>> = {
  address: patternOf(({ address }) => address),
  name: patternOf(({ name }) => name),
  flag: (value) => {
    const wanted = value.split('|').map((name) => FLAGS[name.trim().toLowerCase()] ?? (() => false));
    return (one) => wanted.every((holds) => holds(one));
  },
  flags: (value) => CRITERIA.flag?.(value),
  network: (value) => {
    const wanted = value.split('|').map((text) => addressRange(text.trim()));
    return wanted.includes(undefined) ? undefined : (one) => isIn(one, wanted as AddressRange[]);
  },
  rfc: (value) => {
    const known = value.split('|').map((number) => RFCS[number.trim()]);
    return known.includes(undefined) ? undefined : (one) => known.some((all) => isIn(one, all!()));
  },
  size: (value) => (one) => String(one.bits) === value.replace(/^\//, ''),
  type: (value) => {
    const wanted = value.toLowerCase().split('|');
    return (one) => wanted.includes('ip') || wanted.includes(isV4(one) ? 'ipv4' : 'ipv6');
  },
};

function patternOf(textOf: (one: Own) => string) {
  return (value: string): ((one: Own) => boolean) | undefined => {
    try {
      const pattern = new RegExp(value);
      return (one) => pattern.test(textOf(one));
    } catch {
      return undefined;
    }
  };
}

const ORDERS: Readonly<Record<string, (a: Own, b: Own) => number>> = {
  address: (a, b) => byType(a, b) || Buffer.compare(a.bytes, b.bytes),
  default: (a, b) => Number(b.isDefault) - Number(a.isDefault),
  name: (a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)),
  private: (a, b) => Number(isPrivate(b)) - Number(isPrivate(a)),
  // More bits are a smaller network.
  size: (a, b) => (a.bytes.length === b.bytes.length ? b.bits - a.bits : 0),
  type: byType,
};

const ATTRIBUTES: Readonly<Record<string, (one: Own) => string>> = {
  address: ({ address }) => address,
  name: ({ name }) => name,
  host: ({ address }) => address,
  type: (one) => (isV4(one) ? 'IPv4' : 'IPv6'),
  string: ({ address, bits, bytes }) => (bits === bytes.length * 8 ? address : `${address}/${bits}`),
};

const joined = (found: readonly Own[]): string => found.map(({ address }) => address).join(' ');
const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

const filter =
  (keeps: boolean): Stage =>
  (input, [kind = '', value = '']) => {
    const holds = CRITERIA[kind.toLowerCase()]?.(value);
    return holds && input.filter((one) => holds(one) === keeps);
  };

const STAGES: Readonly<Record<string, Stage>> = {
  GetAllInterfaces: (all) => all,
  GetDefaultInterfaces: (all) => all.filter(({ isDefault }) => isDefault),
  GetPrivateInterfaces: (all) => byDefault(all.filter(isPrivate)),
  GetPublicInterfaces: (all) => byDefault(all.filter(isPublic)),
  GetPrivateIP: (all) => joined(byDefault(all.filter(isPrivate)).slice(0, 1)),
  GetPrivateIPs: (all) => joined(all.filter(isPrivate)),
  GetPublicIP: (all) => joined(byDefault(all.filter(isPublic)).slice(0, 1)),
  GetPublicIPs: (all) => joined(all.filter(isPublic)),
  GetInterfaceIP: (all, [device = '']) => {
    const found = ofDevice(all, device);
    return found && joined([...found].sort(byReach).slice(0, 1));
  },
  GetInterfaceIPs: (all, [device = '']) => {
    const found = ofDevice(all, device);
    return found && joined(found);
  },
  // The argument is then the text itself.
  printf: (_, [text]) => text,
  include: filter(true),
  exclude: filter(false),
  sort: (input, [keys = '']) => {
    const wanted = keys.split(',').map((key) => {
      const order = ORDERS[key.trim().replace(/^[+-]/, '').toLowerCase()];
      const sign = key.trim().startsWith('-') ? -1 : 1;
      return order && ((a: Own, b: Own) => sign * order(a, b));
    });
    if (wanted.includes(undefined)) return undefined;
    return [...input].sort((a, b) => wanted.reduce((so, order) => so || (order?.(a, b) ?? 0), 0));
  },
  unique: (input, [name = '']) => {
    const of = ATTRIBUTES[name.toLowerCase()];
    return of && input.filter((one, at) => input.findIndex((other) => of(other) === of(one)) === at);
  },
  limit: (input, [text]) => {
    const most = count(text);
    return most === undefined ? undefined : input.slice(0, most);
  },
  offset: (input, [text]) => {
    const from = /^-?\d+$/.test(text ?? '') ? Number(text) : undefined;
    return from === undefined ? undefined : input.slice(from);
  },
  attr: (input, [name = '']) => {
    const of = ATTRIBUTES[name.toLowerCase()];
    return of && input.slice(0, 1).map(of).join('');
  },
  join: (input, [name = '', separator = '']) => {
    const of = ATTRIBUTES[name.toLowerCase()];
    return of && input.map(of).join(separator);
  },
};

/** Addresses of the interfaces whose name a pattern fits: "eth", "^ens.*". */
const ofDevice = (all: readonly Own[], pattern: string): readonly Own[] | undefined => {
  const holds = CRITERIA.name?.(pattern);
  return holds && all.filter(holds);
};

/** Those that others can reach are in front. */
const byReach = (a: Own, b: Own): number => Number(isForwardable(b)) - Number(isForwardable(a));

const byDefault = (found: readonly Own[]): Own[] =>
  [...found].sort((a, b) => ORDERS.default!(a, b) || byType(a, b));

/** A pipeline. Undefined for one that go-sockaddr has not, or that this does not know. */
function evaluate(expression: string, all: readonly Own[]): string | undefined {
  let value: readonly Own[] | string = all;
  for (const [at, words] of stagesOf(expression).entries()) {
    const [name = '', ...args] = words;
    const stage: Stage | undefined = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
    // A text may be asked for its address, which it is; nothing else follows one.
    if (typeof value === 'string') {
      if (name === 'attr' && args[0] === 'address') continue;
      return undefined;
    }
    if (stage === undefined || (at === 0) !== /^(?:Get|printf)/.test(name)) return undefined;
    const next: readonly Own[] | string | undefined = stage(value, args);
    if (next === undefined) return undefined;
    value = next;
  }
  return typeof value === 'string' ? value : undefined;
}

/** The words of each stage, those in quotes without them. */
function stagesOf(expression: string): string[][] {
  const stages: string[][] = [[]];
  for (const [word] of expression.matchAll(/"(?:[^"\\]|\\.)*"|\||[^\s|"]+/g)) {
    if (word === '|') stages.push([]);
    else stages.at(-1)!.push(word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word);
  }
  return stages;
}
