import type { ContainerDetails } from '../docker/types.ts';

/** One `SERVICE_…` of a container, as far as it holds for one port. */
export interface Setting {
  readonly value: string;
  /** The whole name, for messages. */
  readonly variable: string;
  /** Whether it names the port. */
  readonly ofPort: boolean;
}

/** By what stands behind `SERVICE_` or `SERVICE_<port>_`, in lower case: "name", "check_http", "region". */
export type Settings = ReadonlyMap<string, Setting>;

const PREFIX = 'SERVICE_';

/**
 * What a container says about its service on a port: variables of its environment, then labels, the later one counts; one
 * that names the port always counts more than one that does not. Two additions to registrator's grammar, which a fork of
 * it has as well: `SERVICE_53_UDP_NAME` holds for the port's UDP side alone and counts most, `SERVICE_10000-20000_IGNORE`
 * holds for a range of ports and counts less than one that names its port.
 */
export function settingsOf(
  { Env: env, Labels: labels }: ContainerDetails['Config'],
  port: string,
  protocol: string,
): Settings {
  const settings = new Map<string, Setting & { rank: number }>();
  for (const [variable, value] of variablesOf(env, labels)) {
    const words = variable.slice(PREFIX.length).toLowerCase().split('_');
    const place = placeOf(words, port, protocol);
    if (place === undefined) continue;
    const { begin, rank } = place;
    const key = words.slice(begin).join('_');
    if ((settings.get(key)?.rank ?? 0) > rank) continue;
    settings.set(key, { value, variable, ofPort: begin > 0, rank });
  }
  return settings;
}

function* variablesOf(
  env: ContainerDetails['Config']['Env'],
  labels: ContainerDetails['Config']['Labels'],
): Generator<[string, string]> {
  for (const line of env ?? []) {
    const at = line.indexOf('=');
    if (at > 0 && line.startsWith(PREFIX)) yield [line.slice(0, at), line.slice(at + 1)];
  }
  // Sorted, as engines hand labels on in any order.
  for (const [name, value] of Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (name.startsWith(PREFIX)) yield [name, value];
}

/** IDs that a container gives itself, whatever its ports are. */
export function ownIds({ Env: env, Labels: labels }: ContainerDetails['Config']): string[] {
  return [...variablesOf(env, labels)].flatMap(([name, value]) =>
    /^SERVICE_(?:\d+(?:-\d+)?_(?:(?:udp|tcp)_)?)?ID$/i.test(name) ? [value] : [],
  );
}

interface Place {
  /** Word that the key begins with. */
  readonly begin: number;
  /** How much it counts. */
  readonly rank: number;
}

const FOR_ALL: Place = { begin: 0, rank: 0 };
/** What it adds to the rank that the protocol is named, and the port itself instead of a range. */
const WITH_PROTOCOL = 1;
const OF_RANGE = 1;
const OF_PORT = 3;

/** Undefined for what is of another port. */
function placeOf(words: readonly string[], port: string, protocol: string): Place | undefined {
  const [first = '', second] = words;
  if (words.length < 2) return FOR_ALL;
  const [, low, high] = /^(\d+)-(\d+)$/.exec(first) ?? [];
  const isRange = low !== undefined && high !== undefined;
  if (!isRange && !/^[+-]?\d+$/.test(first)) return FOR_ALL;
  if (isRange ? Number(port) < Number(low) || Number(port) > Number(high) : first !== port) return undefined;
  const rank = isRange ? OF_RANGE : OF_PORT;
  if (words.length < 3 || (second !== 'udp' && second !== 'tcp')) return { begin: 1, rank };
  return second === protocol ? { begin: 2, rank: rank + WITH_PROTOCOL } : undefined;
}

/** Its text; "" counts as not set, as in registrator. */
export function textOf(settings: Settings, key: string): string {
  return settings.get(key)?.value ?? '';
}
