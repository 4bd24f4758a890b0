/** `route add` as the tag of an instance would be: a command names service, route and destination itself. */
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { AddCommand } from './commands.ts';
import { meaningOf, type RouteTag, routeOf, type TagSyntax } from './tag.ts';
import { isRedirectUrl, PROTOCOLS, type Protocol, readOptions } from './tag-options.ts';

const DEFAULT_PORTS: Partial<Record<Protocol, number>> = { http: 80, https: 443 };

/** The instance and its route; a sentence when there can be none. */
export function commandRoute(
  command: AddCommand,
  syntax: Omit<TagSyntax, 'prefix'>,
): { instance: DiscoveredInstance; tag: RouteTag } | string {
  const { service, source, destination, weight, tags, text } = command;
  const reading = readOptions(command.options, syntax.defaults);
  const { read } = reading;
  if (read.redirectCode !== 0 && isRedirectUrl(destination))
    read.redirect = { code: read.redirectCode, url: destination };
  read.weight = Math.max(0, weight);
  const url = parseDestination(destination);
  if (read.redirect === undefined) {
    if (url === undefined) return `"${destination}" is no destination like http://10.0.0.1:8080/`;
    if (read.protocol === 'http') read.protocol = url.protocol;
  }
  const tag = routeOf(text, source, meaningOf(reading), syntax);
  if (typeof tag === 'string') return tag;
  const { host = '', port = 0, query = '' } = read.redirect === undefined ? (url ?? {}) : {};
  const address = read.redirect === undefined ? formatHostPort(host, port) : destination;
  const serviceId = `${service} ${source} ${address}`;
  return {
    // As written, so that `route del` can name it and lists show what people wrote.
    tag: { ...tag, destination, handling: { ...tag.handling, query } },
    instance: {
      id: `command/${serviceId}`,
      service,
      node: 'command',
      serviceId,
      host,
      port,
      tags,
      meta: null,
      datacenter: '',
      weight: 1,
      out: '',
    },
  };
}

interface Destination {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** Without "?". */
  readonly query: string;
}

/** "http://10.0.0.1:8080/?k=v". Its path means nothing, as in fabio. */
function parseDestination(text: string): Destination | undefined {
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.+)$/i.exec(text) ?? [];
  const protocol = scheme.toLowerCase();
  if (!Object.hasOwn(PROTOCOLS, protocol) || !URL.canParse(`http://${rest}`)) return undefined;
  const url = new URL(`http://${rest}`);
  const written = /^(?:\[[^\]]*\]|[^:/?#]*):(\d+)/.exec(rest)?.[1];
  const port = written === undefined ? DEFAULT_PORTS[protocol as Protocol] : Number(written);
  if (port === undefined || port === 0 || url.hostname === '') return undefined;
  return {
    protocol: protocol as Protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    query: url.search.slice(1),
  };
}
