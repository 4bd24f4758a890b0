/** Whether a configuration as a whole can be run, without running it. */
import { parse } from 'smol-toml';
import { MusterError, messageOf } from '../../errors.ts';
import { type HostPort, parseHostPort } from '../../lib/host-port.ts';
import { isTable } from '../config/names.ts';
import { type GobetweenFormat, usualFormat } from './formats.ts';
import { prepareServer } from './prepare.ts';
import { readGobetween } from './read.ts';
import type { GobetweenConfig } from './schema.ts';

/** Where API and metrics listen. */
export interface Places {
  readonly api: HostPort;
  readonly metrics: HostPort;
}

/** gobetween's ports, on this machine alone when the file does not say where. */
const USUAL: Places = {
  api: { host: '127.0.0.1', port: 8888 },
  metrics: { host: '127.0.0.1', port: 9284 },
};

/**
 * Throws `config.invalid` with everything that is wrong with any of its servers; `warnings` stand below it: what is missing
 * may be there under another name.
 */
export function checkConfig(
  { servers, defaults, api, metrics }: GobetweenConfig,
  warnings: readonly string[] = [],
): Places {
  const faults: string[] = [];
  for (const [name, server] of Object.entries(servers)) {
    try {
      prepareServer(name, server, defaults);
    } catch (error) {
      faults.push(messageOf(error));
    }
  }
  const placeOf = (key: keyof Places, text: string): HostPort => {
    const place = text === '' ? USUAL[key] : parseHostPort(text);
    if (place === undefined) faults.push(`${key}.bind: expected host:port such as ":8888", got "${text}"`);
    return place ?? USUAL[key];
  };
  const places = { api: placeOf('api', api.bind), metrics: placeOf('metrics', metrics.bind) };
  if (faults.length > 0) throw new MusterError('config.invalid', [...faults, ...warnings].join('\n'));
  return places;
}

/** How a file of gobetween's is written; undefined for what is none: Muster's and Consul's files have no `servers`. */
export function gobetweenFormat(name: string, text: string): GobetweenFormat | undefined {
  const format = usualFormat(name);
  try {
    const value: unknown = format === 'json' ? JSON.parse(text) : parse(text);
    return isTable(value) && isTable(value.servers) ? format : undefined;
  } catch {
    return undefined;
  }
}

/** Answers with what was accepted and has no effect. Throws `config.invalid`. */
export function checkText(name: string, text: string, format: GobetweenFormat): readonly string[] {
  const { value, warnings } = readGobetween(name, text, format);
  checkConfig(value, warnings);
  return warnings;
}
