/** Service definitions in files, as `services register` takes them: Consul's, JSON or HCL, in either of its casings. */
import fs from 'node:fs';
import path from 'node:path';
import { parseHclWithPlaces } from '../agent/config/consul/tree.ts';
import { parseJsonWithPlaces } from '../agent/config/json-places.ts';
import { SyntaxFault } from '../agent/config/places.ts';
import type { ServiceRegistration } from '../client/index.ts';
import { MusterError, messageOf } from '../errors.ts';

/** Free keys below these are the user's own and stay as they are. */
const FREE = new Set(['meta', 'header', 'taggedaddresses']);

/** `{"service": {…}}` and `{"services": […]}` of every file. */
export function readServiceFiles(files: readonly string[]): ServiceRegistration[] {
  return files.flatMap((file) => {
    const value = wireCase(parse(file)) as Record<string, unknown>;
    const found = [
      // HCL has one block of a name as it is, several as a list.
      ...(value.Services === undefined ? [] : [value.Services].flat()),
      ...(value.Service === undefined ? [] : [value.Service].flat()),
    ];
    if (found.length === 0 || !found.every((one) => typeof (one as ServiceRegistration)?.Name === 'string'))
      throw new MusterError(
        'config.invalid',
        `${file}: expected {"service": {"name": …}} or {"services": […]}`,
      );
    return found as ServiceRegistration[];
  });
}

function parse(file: string): unknown {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
  try {
    const isHcl = path.extname(file).toLowerCase() === '.hcl';
    return (isHcl ? parseHclWithPlaces : parseJsonWithPlaces)(text).value;
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    throw new MusterError(
      'config.invalid',
      `${file}:${error.place.line}:${error.place.column}: ${error.message}`,
    );
  }
}

/** Words that the wire writes in capitals. */
const CAPITALS: Record<string, string> = {
  id: 'ID',
  http: 'HTTP',
  tcp: 'TCP',
  udp: 'UDP',
  ttl: 'TTL',
  grpc: 'GRPC',
  tls: 'TLS',
};

/** `deregister_critical_service_after` is `DeregisterCriticalServiceAfter` on the wire. */
function wireCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wireCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const name = key
        .split('_')
        .map((word) => CAPITALS[word.toLowerCase()] ?? word.charAt(0).toUpperCase() + word.slice(1))
        .join('');
      const spelt = name === 'CheckId' ? 'CheckID' : name;
      return [spelt, FREE.has(spelt.toLowerCase()) ? one : wireCase(one)];
    }),
  );
}
