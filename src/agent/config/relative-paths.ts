/** Paths of a configuration are relative to the file that says them, not to where the program was started. */
import path from 'node:path';
import { isTable } from './names.ts';

/** Whether a text is a path; `around` is the table that it stands in. */
type IsPath = (text: string, around: Readonly<Record<string, unknown>>) => boolean;

const always: IsPath = () => true;
/** Certificates come from elsewhere, too. */
const ofFiles: IsPath = (_, { kind }) => kind === 'file' || kind === 'path' || kind === 'acme';

/** Where paths stand, in our words; "[]" behind the name of a list. */
const PATHS: Readonly<Record<string, IsPath>> = {
  'node.dataDir': always,
  'node.pidFile': always,
  'log.file': always,
  'api.tls.cert': always,
  'api.tls.key': always,
  'api.tls.clientCa': always,
  'store.etcd.caFile': always,
  'store.etcd.certFile': always,
  'store.etcd.keyFile': always,
  'registrator.certPath': always,
  'balancer.certificates[].cert': ofFiles,
  'balancer.certificates[].key': ofFiles,
  'balancer.certificates[].clientCa': ofFiles,
  'balancer.certificates[].authorityCa': ofFiles,
  'balancer.service[].upstreamTls.ca': always,
  'balancer.service[].upstreamTls.cert': always,
  'balancer.service[].upstreamTls.key': always,
  'balancer.auth[].file': always,
  'balancer.noRoute.page': always,
  'balancer.accessLog.target': (text) => text !== 'stdout',
  'template[].source': always,
  'template[].destination': always,
  'template[].sandboxPath': (text) => text !== '',
  // One with a slash in it is a path; else it is host:port.
  'haproxy[].socket': (text) => text.includes('/'),
  'dns.hosts[]': always,
  'dns.hostsFile.path': always,
  'group[].cwd': always,
  'group[].gce.credentials': always,
};

/** Makes all paths in `config` absolute, in place. Programs of groups run in `directory` unless told otherwise. */
export function resolvePaths(config: unknown, directory: string): void {
  if (isTable(config) && Array.isArray(config.group))
    for (const group of config.group) if (isTable(group)) group.cwd ??= '.';
  for (const [place, isPath] of Object.entries(PATHS)) resolveAt(config, place.split('.'), isPath, directory);
}

function resolveAt(
  table: unknown,
  [first = '', ...rest]: readonly string[],
  isPath: IsPath,
  directory: string,
): void {
  if (!isTable(table)) return;
  const name = first.replace('[]', '');
  const resolved = (value: unknown): unknown =>
    typeof value === 'string' && isPath(value, table) ? absolute(value, directory) : value;
  const value = table[name];
  if (!first.endsWith('[]')) {
    if (rest.length > 0) resolveAt(value, rest, isPath, directory);
    else if (value !== undefined) table[name] = resolved(value);
  } else if (Array.isArray(value)) {
    if (rest.length > 0) for (const one of value) resolveAt(one, rest, isPath, directory);
    else table[name] = value.map(resolved);
  }
}

/** A slash at its end says that it is a folder. */
function absolute(text: string, directory: string): string {
  const whole = path.resolve(directory, text);
  return text.endsWith('/') && whole !== '/' ? `${whole}/` : whole;
}
