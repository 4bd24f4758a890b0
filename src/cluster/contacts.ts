import { execFile } from 'node:child_process';
import { resolveSrv } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { messageOf } from '../errors.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
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

/** Asks all sources where servers may be found. One that fails is reported, and the others go on. */
export async function findContacts(
  sources: readonly string[],
  { port, logger }: { port: number; logger: Logger },
): Promise<HostPort[]> {
  const found = await Promise.all(
    sources.map(async (source) => {
      const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(source) ?? [];
      const ask = Object.hasOwn(SOURCES, kind) ? SOURCES[kind] : undefined;
      if (ask === undefined) return [source];
      try {
        return await ask(rest);
      } catch (error) {
        logger.warn('a source of addresses failed', { source, error: messageOf(error) });
        return [];
      }
    }),
  );
  return [...new Set(found.flat())].map((text) => addressOf(text, port));
}
