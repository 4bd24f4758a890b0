import type { ContainerDetails } from '../docker/types.ts';
import { MusterError, messageOf } from '../errors.ts';
import { compileGoRegexp } from '../lib/go-regexp.ts';
import { lower, upper } from '../template/functions/strings.ts';
import {
  byteLength,
  byteSlice,
  type FunctionTable,
  fn,
  fromJson,
  INT,
  STRING,
  STRING_MAP,
  STRINGS,
  Template,
  ValueError,
  variadic,
} from '../template/language/index.ts';
import { splitTags } from './tags.ts';

/** `-tags` for one container. Throws when the template cannot be carried out on it. */
export type TagTemplate = (container: ContainerDetails) => readonly string[];

/**
 * Tags with commas, which may be a template in Go's language over the container as engines describe it, with registrator's
 * functions. Throws `usage` for what is no template.
 */
export function tagTemplate(text: string): TagTemplate {
  if (!text.includes('{{')) {
    const tags = splitTags(text);
    return () => tags;
  }
  let template: Template;
  try {
    template = new Template('tags', text, { functions: FUNCTIONS });
  } catch (cause) {
    throw new MusterError('usage', `-tags is no template: ${messageOf(cause)}`, { cause });
  }
  // A character that was cut in two becomes what it is in JSON: U+FFFD for each byte.
  return (container) => splitTags(Buffer.from(template.execute(dataOf(container))).toString());
}

/** With the fields whose names in registrator's templates, those of a Go library, are not those of the API. */
function dataOf(container: ContainerDetails) {
  const { HostConfig: host, NetworkSettings: network } = container;
  return fromJson({
    ...container,
    ID: container.Id,
    ...(host && { HostConfig: { ...inGo(host), PortBindings: bindingsInGo(host.PortBindings) } }),
    ...(network && { NetworkSettings: { ...network, Ports: bindingsInGo(network.Ports) } }),
  });
}

type Bindings = NonNullable<ContainerDetails['NetworkSettings']>['Ports'];

/** "HostIp" is "HostIP" there. */
function bindingsInGo(bindings: Bindings): Record<string, object[]> {
  return Object.fromEntries(
    Object.entries(bindings ?? {}).map(([port, all]) => [
      port,
      (all ?? []).map((one) => ({ ...one, HostIP: one.HostIp })),
    ]),
  );
}

/** Limits of a container by their names there. */
const IN_GO = {
  CPUCount: 'CpuCount',
  CPUPercent: 'CpuPercent',
  CPUPeriod: 'CpuPeriod',
  CPUQuota: 'CpuQuota',
  CPURealtimePeriod: 'CpuRealtimePeriod',
  CPURealtimeRuntime: 'CpuRealtimeRuntime',
  CPUSetCPUs: 'CpusetCpus',
  CPUSetMEMs: 'CpusetMems',
  CPUShares: 'CpuShares',
  DNS: 'Dns',
  DNSOptions: 'DnsOptions',
  DNSSearch: 'DnsSearch',
  NanoCPUs: 'NanoCpus',
  OOMKillDisable: 'OomKillDisable',
};

function inGo(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const renamed = Object.entries(IN_GO).flatMap(([name, api]) =>
    Object.hasOwn(fields, api) ? [[name, fields[api]]] : [],
  );
  return { ...fields, ...Object.fromEntries(renamed) };
}

/** Those of registrator, but for `httpGet` and `jsonParse`: a registration does not wait for some other server. */
const FUNCTIONS: FunctionTable = {
  strSlice: variadic([STRING, INT], STRING, (text: string, ...places: bigint[]) =>
    strSlice(text, places.map(Number)),
  ),
  sIndex: fn([INT, STRINGS], STRING, (index: bigint, list: string[]) => elementOf(list, Number(index))),
  mIndex: fn(
    [STRING, STRING_MAP],
    STRING,
    (key: string, map: ReadonlyMap<string, string>) => map.get(key) ?? '',
  ),
  toUpper: fn([STRING], STRING, (text: string) => upper(text)),
  toLower: fn([STRING], STRING, (text: string) => lower(text)),
  replace: fn([INT, STRING, STRING, STRING], STRING, (most: bigint, old: string, by: string, text: string) =>
    replaced(text, old, by, Number(most)),
  ),
  join: fn([STRING, STRINGS], STRING, (separator: string, list: string[]) => list.join(separator)),
  split: fn([STRING, STRING], STRINGS, (separator: string, text: string) => text.split(separator)),
  splitIndex: fn([INT, STRING, STRING], STRING, (index: bigint, separator: string, text: string) =>
    elementOf(text.split(separator), Number(index)),
  ),
  matchFirstElement: fn([STRING, STRINGS], STRING, (pattern: string, list: string[]) => {
    const regexp = compileGoRegexp(pattern);
    return list.find((one) => regexp.test(one)) ?? '';
  }),
  matchAllElements: fn([STRING, STRINGS], STRINGS, (pattern: string, list: string[]) => {
    const regexp = compileGoRegexp(pattern);
    return list.filter((one) => regexp.test(one));
  }),
};

/** Places count bytes. Those beyond the text, and more than two, leave it as it is. */
function strSlice(text: string, places: readonly number[]): string {
  const length = byteLength(text);
  const [start = 0, end = length] = places;
  if (places.length === 0 || places.length > 2 || start > length || end > length) return text;
  // With the end before the start it does not count.
  const last = end < start && start !== 0 ? length : end;
  if (start < 0 || last < 0) throw new ValueError('strSlice: a place is below 0');
  return byteSlice(text, start, last);
}

/** Counted from the end below 0; what is beyond an end is the last or the first. */
function elementOf(list: readonly string[], index: number): string {
  if (list.length === 0) throw new ValueError('the list has no element');
  const at = index < 0 ? Math.max(0, list.length + index) : Math.min(index, list.length - 1);
  return list[at] as string;
}

/** As Go's `strings.Replace`: all of them below 0. */
function replaced(text: string, old: string, by: string, most: number): string {
  // Nothing stands before each character and at the end.
  if (old === '') {
    const chars = [...text, ''];
    return chars.map((char, at) => (most < 0 || at < most ? by : '') + char).join('');
  }
  if (most < 0) return text.replaceAll(old, () => by);
  const parts = text.split(old);
  const first = parts.slice(0, most + 1).join(by);
  return parts.length > most + 1 ? [first, ...parts.slice(most + 1)].join(old) : first;
}
