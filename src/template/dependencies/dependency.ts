/**
 * What a template needs to know: the notation that templates use ("tag.name@dc~near|filter") read into what is asked for.
 * `id` names a dependency: the same question, however it is written, has the same one.
 */
import { quote, ValueError } from '../language/index.ts';

export type HealthFilter = 'any' | 'passing' | 'warning' | 'critical' | 'maintenance';

export type Dependency = { readonly id: string } & (
  | {
      readonly kind: 'service';
      readonly name: string;
      readonly tag: string;
      readonly datacenter: string;
      readonly near: string;
      readonly filters: readonly HealthFilter[];
    }
  | { readonly kind: 'services'; readonly datacenter: string }
  | { readonly kind: 'nodes'; readonly datacenter: string; readonly near: string }
  /** "" is the node of the agent that is asked. */
  | { readonly kind: 'node'; readonly name: string; readonly datacenter: string }
  | { readonly kind: 'datacenters'; readonly ignoreFailing: boolean }
  | { readonly kind: 'key'; readonly key: string; readonly datacenter: string; readonly mustExist: boolean }
  | { readonly kind: 'pairs'; readonly prefix: string; readonly datacenter: string }
  | { readonly kind: 'file'; readonly path: string }
);

const TAG = String.raw`(?:(?<tag>[\w=:.-]+)\.)?`;
const QUERY = String.raw`(?:\?(?<query>[\w\-=&]+))?`;
const DATACENTER = String.raw`(?:@(?<dc>[\w.-]+))?`;
const NEAR = String.raw`(?:~(?<near>[\w.-]+))?`;
const FILTER = String.raw`(?:\|(?<filter>[\w,]+))?`;

const whole = (...parts: string[]): RegExp => new RegExp(`^${parts.join('')}$`);

const SERVICE = whole(TAG, String.raw`(?<name>[\w-]+)`, QUERY, DATACENTER, NEAR, FILTER);
const SERVICES = whole(QUERY, DATACENTER);
const NODES = whole(QUERY, DATACENTER, NEAR);
const NODE = whole(String.raw`(?<name>[\w.-]+)`, QUERY, DATACENTER);
const KEY = whole(String.raw`\/?(?<key>[^@?]+)`, QUERY, DATACENTER);

const FILTERS: readonly string[] = ['any', 'passing', 'warning', 'critical', 'maintenance'];

function read(kind: string, pattern: RegExp, text: string): Record<string, string> {
  const match = pattern.exec(text);
  if (match === null) throw new ValueError(`${kind}: invalid format: ${quote(text)}`);
  const groups = Object.fromEntries(
    Object.entries(match.groups ?? {}).map(([name, value]) => [name, value ?? '']),
  );
  if (/=[^&]|^[^=&]+(?:&|$)/.test(groups.query ?? ''))
    throw new ValueError(
      `${kind}: ${quote(`?${groups.query}`)}: namespaces, partitions, peers and sameness groups are Consul Enterprise's and mesh; there are none here`,
    );
  return groups;
}

const at = (datacenter: string): string => (datacenter === '' ? '' : `@${datacenter}`);
const named = (kind: string, text: string): string => (text === '' ? kind : `${kind}(${text})`);

/** "tag.name@dc~near|filter,filter". */
export function serviceDependency(text: string): Dependency {
  const { tag = '', name = '', dc = '', near = '', filter = '' } = read('health.service', SERVICE, text);
  const filters = filter === '' ? ['passing'] : filter.split(',').filter((one) => one !== '');
  for (const one of filters)
    if (!FILTERS.includes(one))
      throw new ValueError(
        `health.service: invalid filter: ${quote(one)} in ${quote(text)}; known are ${FILTERS.join(', ')}`,
      );
  const sorted = [...filters].sort() as HealthFilter[];
  const id = `health.service(${tag === '' ? '' : `${tag}.`}${name}${at(dc)}${near === '' ? '' : `~${near}`}${sorted.length === 0 ? '' : `|${sorted.join(',')}`})`;
  return { kind: 'service', id, name, tag, datacenter: dc, near, filters: sorted };
}

export function servicesDependency(text: string): Dependency {
  const { dc = '' } = read('catalog.services', SERVICES, text);
  return { kind: 'services', id: named('catalog.services', at(dc)), datacenter: dc };
}

export function nodesDependency(text: string): Dependency {
  const { dc = '', near = '' } = read('catalog.nodes', NODES, text);
  const id = named('catalog.nodes', `${at(dc)}${near === '' ? '' : `~${near}`}`);
  return { kind: 'nodes', id, datacenter: dc, near };
}

export function nodeDependency(text: string): Dependency {
  const { name = '', dc = '' } = text === '' ? {} : read('catalog.node', NODE, text);
  return { kind: 'node', id: named('catalog.node', `${name}${at(dc)}`), name, datacenter: dc };
}

export function datacentersDependency(ignoreFailing: boolean): Dependency {
  return { kind: 'datacenters', id: `catalog.datacenters${ignoreFailing ? '(ignore)' : ''}`, ignoreFailing };
}

/** A key as the HTTP API takes it: it has no empty parts, as Go's server would send a request for one elsewhere. */
const keyOf = (text: string): string => text.replace(/\/{2,}/g, '/').replace(/^\//, '');

/** With `mustExist` there is no value while there is no key. */
export function keyDependency(text: string, mustExist: boolean): Dependency {
  const { key: said = '', dc = '' } = read('kv.get', KEY, text);
  const key = keyOf(said);
  return {
    kind: 'key',
    id: `kv.${mustExist ? 'block' : 'get'}(${key}${at(dc)})`,
    key,
    datacenter: dc,
    mustExist,
  };
}

export function pairsDependency(text: string): Dependency {
  const { key = '', dc = '' } = read('kv.list', KEY, text);
  const prefix = keyOf(key);
  return { kind: 'pairs', id: `kv.list(${prefix}${at(dc)})`, prefix, datacenter: dc };
}

export function fileDependency(path: string): Dependency {
  return { kind: 'file', id: `file(${path})`, path };
}
