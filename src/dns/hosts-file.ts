import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Catalog } from '../catalog/catalog.ts';
import { addressOf, aggregate, type Instance, instancesOf } from '../catalog/views.ts';
import { fileTrouble } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { addressBytes } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';

export interface HostsFileOptions {
  readonly catalog: Catalog;
  readonly path: string;
  /** "web", "blue.web" for instances with the tag "blue", "*" for every service. */
  readonly services: readonly string[];
  readonly domain: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A burst of changes is one file. */
const GATHER = 50;
/** When it could not be written. */
const RETRY = 5_000;
const HEAD =
  '# Written by muster: instances of services that are not critical. Changes made here are lost.\n';

/**
 * The instances of services as a hosts file, for systems that ask no name server: an address, the name and the name in full on
 * each line. Written whole and only when it differs, so that whoever watches it is not woken for nothing.
 */
export function startHostsFile(options: HostsFileOptions): { stop(): void } {
  const { catalog, path, clock, logger } = options;
  let cancel = () => {};
  let isDue = false;
  let stopped = false;
  const later = (ms: number) => {
    if (isDue || stopped) return;
    isDue = true;
    cancel = clock.after(ms, () => {
      isDue = false;
      write();
    });
  };
  const write = () => {
    const text = hostsOf(options);
    try {
      if (textAt(path) === text) return;
      // Beside it, so that it is on the same disk: nobody sees half a file.
      const beside = `${path}.muster`;
      writeFileSync(beside, text, { mode: 0o644 });
      renameSync(beside, path);
    } catch (error) {
      logger.warn(`the hosts file ${path} cannot be written; the last one stays: ${fileTrouble(error)}`);
      later(RETRY);
    }
  };
  const unsubscribe = catalog.feed.subscribe(() => later(GATHER));
  write();
  return {
    stop() {
      stopped = true;
      cancel();
      unsubscribe();
    },
  };
}

/** The text of the file, in an order that hangs on nothing but the instances. */
function hostsOf({
  catalog,
  services,
  domain,
}: Pick<HostsFileOptions, 'catalog' | 'services' | 'domain'>): string {
  const lines = new Set<string>();
  for (const wanted of services.flatMap((one) => (one === '*' ? namesOf(catalog) : [one]))) {
    const { tag, service } = partsOf(catalog, wanted);
    for (const instance of instancesOf(catalog, service)) {
      if (!isUsable(instance) || (tag !== undefined && !hasTag(instance, tag))) continue;
      const address = addressOf(instance);
      // A host name cannot stand there.
      if (addressBytes(address) !== undefined && HOST_NAME.test(wanted))
        lines.add(`${address} ${wanted} ${wanted}.service.${domain}\n`);
    }
  }
  return HEAD + [...lines].sort().join('');
}

/** Others would be read as further names, or further lines: whoever may register a service could put any name into the file. */
const HOST_NAME = /^[\w-]+(?:\.[\w-]+)*$/;

function namesOf(catalog: Catalog): string[] {
  return [...new Set([...catalog.all('services')].map(({ name }) => name))]
    .filter((name) => name !== 'consul')
    .sort();
}

/** A service may have a dot in its name; a tag is what stands in front of the name of one that is there. */
function partsOf(catalog: Catalog, wanted: string): { tag: string | undefined; service: string } {
  const dot = wanted.indexOf('.');
  if (dot <= 0 || instancesOf(catalog, wanted).length > 0) return { tag: undefined, service: wanted };
  return { tag: wanted.slice(0, dot), service: wanted.slice(dot + 1) };
}

function isUsable({ checks }: Instance): boolean {
  const status = aggregate(checks);
  return status === 'passing' || status === 'warning';
}

function hasTag({ service }: Instance, tag: string): boolean {
  return service.tags.some((one) => one.toLowerCase() === tag.toLowerCase());
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
