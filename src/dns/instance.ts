/** What answers ask of an instance. */
import type { Node, Service } from '../catalog/rows.ts';
import { aggregate, type Instance } from '../catalog/views.ts';
import { TYPE } from '../lib/dns/numbers.ts';
import type { DnsOptions } from './options.ts';

export function isUsable({ checks }: Instance, { onlyPassing }: Pick<DnsOptions, 'onlyPassing'>): boolean {
  const status = aggregate(checks);
  return status === 'passing' || (status === 'warning' && !onlyPassing);
}

export function hasTag({ service: { tags } }: Instance, tag: string): boolean {
  return tag === '' || tags.some((own) => own.toLowerCase() === tag);
}

export function weightOf({ service: { weights }, checks }: Instance): number {
  return aggregate(checks) === 'warning' ? weights.warning : weights.passing;
}

/**
 * Nodes and services may have an address of each family beside their main one, under `lan_ipv4` and `lan_ipv6`: askers for A and
 * AAAA get that of their family, others IPv6 before IPv4. "" where a service has none of its own.
 */
export const serviceAddress = ({ address, taggedAddresses }: Service, type: number): string =>
  ofFamily(type, address, taggedAddresses?.lan_ipv4?.address, taggedAddresses?.lan_ipv6?.address);

export const nodeAddress = ({ address, taggedAddresses }: Node, type: number): string =>
  ofFamily(type, address, taggedAddresses?.lan_ipv4, taggedAddresses?.lan_ipv6);

/** Of an instance that is asked for by way of another name. */
export const anyAddress = ({ node, service }: Instance): string =>
  serviceAddress(service, TYPE.ANY) || nodeAddress(node, TYPE.ANY);

function ofFamily(type: number, main: string, v4 = '', v6 = ''): string {
  const sixth = type === TYPE.A ? '' : v6;
  const fourth = type === TYPE.AAAA ? '' : v4;
  return sixth || fourth || main;
}
