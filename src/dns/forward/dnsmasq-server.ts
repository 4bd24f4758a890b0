import { isIP } from 'node:net';
import type { HostPort } from '../../lib/host-port.ts';
import type { Route } from './options.ts';

const DNS_PORT = 53;

/**
 * The value of `server=`: "10.0.0.1", "10.0.0.1#5353", "/consul/127.0.0.1#8600", "/lan/" (nobody but what is known here),
 * "/corp.example/#" (the servers for everything). A source behind "@" is left to the system. Answers with what is wrong otherwise.
 */
export function parseDnsmasqServer(value: string): { domains: string[]; route: Route } | string {
  const slash = value.lastIndexOf('/');
  const domains = slash === -1 ? [] : value.slice(0, slash).split('/').slice(1);
  if (slash !== -1 && !value.startsWith('/')) return 'expected /domain/address';
  const target = value.slice(slash + 1);
  // "//" stands for names without a dot, which no other line can mean.
  if (domains.some((domain) => domain === ''))
    return 'names without a dot cannot have servers of their own here';
  const bare = domains.map((domain) => domain.replace(/^[*.]+|\.$/g, ''));
  if (target === '')
    return domains.length === 0 ? 'an address is missing' : { domains: bare, route: 'local' };
  if (target === '#') return { domains: bare, route: 'default' };
  const server = serverOf(target);
  return typeof server === 'string' ? server : { domains: bare, route: [server] };
}

function serverOf(text: string): HostPort | string {
  const [place = ''] = text.split('@');
  const [, host = '', port] = /^\[?([^\]#]*)\]?(?:#(\d+))?$/.exec(place) ?? [];
  if (isIP(host) === 0) return `${JSON.stringify(place)} is no address of a server`;
  const number = port === undefined ? DNS_PORT : Number(port);
  return number >= 1 && number <= 65_535 ? { host, port: number } : `${port} is no port`;
}
