/** Service definitions in files, as `services register` takes them: Consul's, JSON or HCL, in either of its casings. */
import path from 'node:path';
import { parseHclWithPlaces } from '../agent/config/consul/tree.ts';
import { parseJsonWithPlaces } from '../agent/config/json-places.ts';
import { SyntaxFault } from '../agent/config/places.ts';
import type { ServiceRegistration } from '../client/index.ts';
import { MusterError } from '../errors.ts';
import { readBytes } from './data.ts';

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
  const text = readBytes(file).toString();
  return parseText(text, file, path.extname(file).toLowerCase() === '.hcl');
}

/** HCL or JSON as a value; `name` is what is said of it. Throws `config.invalid` with the place. */
export function parseText(text: string, name: string, isHcl: boolean): unknown {
  try {
    return (isHcl ? parseHclWithPlaces : parseJsonWithPlaces)(text).value;
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    throw new MusterError(
      'config.invalid',
      `${name}:${error.place.line}:${error.place.column}: ${error.message}`,
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
