import { execFile } from 'node:child_process';
import { lookup, resolveSrv } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../lib/host-port.ts';
import { isIPv6 } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';

/** A command that tells addresses may take so long, in ms, and print so much. */
const COMMAND_TIMEOUT = 5_000;
const COMMAND_OUTPUT = 64 * 1024;

/**
 * What `-retry-join` may be: "host", "host:port", "srv:NAME" (SRV records), "file:PATH" and "exec:COMMAND"
 * (addresses, one per line or with blanks between them; `#` begins a comment). Names are looked up for each
 * attempt, by the resolver of the system.
 */
const SOURCES: Readonly<Record<string, (rest: string) => Promise<string[]>>> = {
  srv: async (name) => (await resolveSrv(name)).map(({ name: host, port }) => `${host}:${port}`),
  file: async (file) => addressesIn(await readFile(file, 'utf8')),
  exec: async (command) =>
    new Promise((resolve, reject) => {
      const limits = { timeout: COMMAND_TIMEOUT, maxBuffer: COMMAND_OUTPUT };
      execFile('/bin/sh', ['-c', command], limits, (error, stdout) =>
        error ? reject(error) : resolve(addressesIn(stdout)),
      );
    }),
};

/** The addresses in a text, without comments. */
export function addressesIn(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, ''))
    .flatMap((line) => line.split(/[\s,]+/))
    .filter((word) => word !== '');
}

/** "10.0.0.1", "host:8300", "[::1]:8300", "::1". Without a port the given one counts. */
export function addressOf(text: string, port: number): HostPort {
  if (isIPv6(text)) return { host: text, port };
  return parseHostPort(text) ?? { host: text.replace(/^\[(.*)\]$/, '$1'), port };
}

export interface ContactsOptions {
  /** Where links come in on servers that are given without a port. */
  port: number;
  logger: Logger;
  /** Asks on the local network. */
  around?: (() => Promise<string[]>) | undefined;
}

/**
 * Asks all sources where servers may be found. One that fails is reported, and the others go on. A name stands for all of its
 * addresses: the first may be this node's own, or that of a server that is away.
 */
export async function findContacts(
  sources: readonly string[],
  { port, logger, around }: ContactsOptions,
): Promise<HostPort[]> {
  const asked = sources.map(async (source) => {
    const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(source) ?? [];
    const ask = Object.hasOwn(SOURCES, kind) ? SOURCES[kind] : undefined;
    if (ask === undefined) return [source];
    try {
      return await ask(rest);
    } catch (error) {
      logger.warn('a source of addresses failed', { source, error: messageOf(error) });
      return [];
    }
  });
  const found = (await Promise.all([...asked, around?.() ?? []])).flat();
  const places = await Promise.all(
    [...new Set(found)].map((text) => addressesOf(addressOf(text, port), logger)),
  );
  const byText = new Map(places.flat().map((place) => [formatHostPort(place.host, place.port), place]));
  return [...byText.values()];
}

async function addressesOf(place: HostPort, logger: Logger): Promise<HostPort[]> {
  const { host, port } = place;
  if (isIP(host) !== 0) return [place];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => ({ host: address, port }));
  } catch (error) {
    logger.debug('a name to join is not known', { name: host, error: messageOf(error) });
    return [];
  }
}
