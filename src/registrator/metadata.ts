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
 * that names the port always counts more than one that does not. `SERVICE_53_UDP_NAME` holds for the port's UDP side alone
 * and counts most, which is an addition to registrator's grammar.
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
    const key = words.slice(place).join('_');
    if ((settings.get(key)?.rank ?? 0) > place) continue;
    settings.set(key, { value, variable, ofPort: place > 0, rank: place });
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
    /^SERVICE_(?:\d+_(?:(?:udp|tcp)_)?)?ID$/i.test(name) ? [value] : [],
  );
}

/** Where the key begins: 0 for one without a port, 1 behind a port, 2 behind port and protocol; undefined for another port. */
function placeOf(words: readonly string[], port: string, protocol: string): 0 | 1 | 2 | undefined {
  if (words.length < 2 || !/^[+-]?\d+$/.test(words[0] as string)) return 0;
  if (words[0] !== port) return undefined;
  if (words.length < 3 || (words[1] !== 'udp' && words[1] !== 'tcp')) return 1;
  return words[1] === protocol ? 2 : undefined;
}

/** Its text; "" counts as not set, as in registrator. */
export function textOf(settings: Settings, key: string): string {
  return settings.get(key)?.value ?? '';
}
