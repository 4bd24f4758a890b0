import { httpGet } from '../lib/http-get.ts';
import { type Backend, backendOf, type Told } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { type PollOptions, poll } from './poll.ts';

export interface JsonDiscoveryOptions extends PollOptions {
  /** URL. */
  readonly endpoint: string;
  /** Where each value stands in an entry, "node.ip", "addresses[0].ip" or "labels.'web.port'". */
  readonly paths: { readonly [Field in keyof Backend]: string };
}

/** gobetween's. */
export const JSON_PATHS: JsonDiscoveryOptions['paths'] = {
  host: 'host',
  port: 'port',
  weight: 'weight',
  priority: 'priority',
  maxConnections: 'max_connections',
  serverName: 'sni',
};

/** A JSON list over HTTP. Something else than a list of entries with host and port is a failure, never an empty list. */
export function followJson(options: JsonDiscoveryOptions, listener: InstanceListener): Discovery {
  const { endpoint, paths } = options;
  const list = async (signal: AbortSignal) => {
    const { body } = await httpGet(endpoint, { signal });
    return { backends: backendsOf(JSON.parse(body), paths) };
  };
  return poll({ kind: 'json', timeout: 5_000, list }, options, listener);
}

function backendsOf(list: unknown, paths: JsonDiscoveryOptions['paths']): Backend[] {
  if (!Array.isArray(list)) throw new Error('the answer is not a JSON list');
  return list.map((entry, index) => {
    const told = Object.fromEntries(
      Object.entries(paths).map(([field, path]) => [field, valueAt(entry, path)]),
    );
    const backend = backendOf(told as Told);
    if (backend === undefined)
      throw new Error(
        `entry ${index} of the answer has no host at "${paths.host}" or no port at "${paths.port}"`,
      );
    return backend;
  });
}

/** The value at a path of names and places: "a.b", "a[0].b", "'a.b'.c" where a name has dots. */
function valueAt(entry: unknown, path: string): unknown {
  let value = entry;
  for (const [plain, single, double] of path.matchAll(/'([^']*)'|"([^"]*)"|[^.[\]]+/g)) {
    const name = single ?? double ?? plain;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
