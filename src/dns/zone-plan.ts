import type { Authorizer } from '../acl/authorizer.ts';
import { mayReadNode, mayReadService } from '../acl/visible.ts';
import { RCODE, TYPE } from '../lib/dns/numbers.ts';
import { addressBytes } from '../lib/ip.ts';
import type { AnswerSource } from './answer-source.ts';
import type { DnsOptions } from './options.ts';
import type { Plan } from './prepared.ts';
import { ASKED, addressRecord, type DnsRecord, seconds } from './record.ts';
import type { DnsZone } from './zone.ts';

/** Servers named by NS; more would only make the answer longer. */
const MAX_SERVERS = 3;

/** To be asked elsewhere; without an answer from there, SERVFAIL. */
export const FORWARD: Plan = { rcode: RCODE.SERVFAIL, authoritative: false, elsewhere: 'question' };

/** NXDOMAIN with the start of authority, which says how long that may be believed. */
export function nothingPlan(zone: DnsZone, options: Pick<DnsOptions, 'soa'>): Plan {
  return { rcode: RCODE.NXDOMAIN, authority: [zone.soa(options)] };
}

/** SOA and NS, which every name of the zone has. `registered`: the servers, as far as they are in the catalog. */
export function zonePlan(
  { zone, options, node: own }: Pick<AnswerSource, 'zone' | 'options' | 'node'>,
  type: number,
  registered: readonly { name: string; address: string }[],
): Plan {
  const ttl = seconds(options.nodeTtl);
  const servers = registered.length > 0 ? registered : [own];
  const found = new Map<string, { record: DnsRecord; glue: DnsRecord[] }>();
  for (const { name, address } of servers) {
    const target = zone.nodeName(name);
    if (target === undefined || found.size === MAX_SERVERS) continue;
    const bytes = addressBytes(address);
    const glue = bytes === undefined ? [] : [addressRecord(target, ttl, bytes)];
    found.set(name, { record: { owner: zone.name, type: TYPE.NS, ttl, rdata: target }, glue });
  }
  const names = [...found.values()].map(({ record }) => record);
  const additional = [...found.values()].flatMap(({ glue }) => glue);
  if (type === TYPE.NS) return { parts: names.map((record) => ({ record })), additional };
  return { parts: [{ record: zone.soa(options) }], authority: names, additional };
}

/** The name of an address. Those that are not ours are asked for elsewhere; with nobody to ask, Consul says SERVFAIL. */
export function reversePlan(
  { zone, reverse, recursion }: Pick<AnswerSource, 'zone' | 'reverse' | 'recursion'>,
  authorizer: Authorizer,
  address: Uint8Array | undefined,
): Plan {
  const named = address && reverse.find(address);
  const found = named && mayName(authorizer, named) ? named : undefined;
  const rdata = found && ('node' in found ? zone.nodeName(found.node) : zone.serviceName(found.service));
  if (rdata === undefined && recursion) return FORWARD;
  if (rdata === undefined) return { rcode: RCODE.SERVFAIL, authoritative: false };
  return { parts: [{ record: { owner: ASKED, type: TYPE.PTR, ttl: 0, rdata } }] };
}

function mayName(authorizer: Authorizer, named: { node: string } | { service: string }): boolean {
  return 'node' in named ? mayReadNode(authorizer, named.node) : mayReadService(authorizer, named.service);
}
