import { reverseAddress } from '../lib/dns/address.ts';
import { TYPE } from '../lib/dns/numbers.ts';

/** What a name asks about. */
export type Subject =
  /** Instances of a service, those with a tag unless it is "". */
  | { kind: 'service'; service: string; tag: string }
  | { kind: 'node'; node: string }
  /** A prepared query by its name or ID. */
  | { kind: 'query'; query: string }
  /** An address written in the name itself; undefined for digits that make no address. */
  | { kind: 'address'; address: Uint8Array | undefined }
  | { kind: 'reverse'; address: Uint8Array | undefined }
  /** A name in the zone that stands for nothing. */
  | { kind: 'nothing' }
  /** Not our business. */
  | { kind: 'outside' };

export interface Zone {
  /** Labels of the domains, in lower case; the first is the one that answers are written in. */
  domains: readonly (readonly string[])[];
  datacenter: string;
  /** A label in front of an address makes the name of an instance there. */
  instanceNames?: boolean;
}

const NOTHING: Subject = { kind: 'nothing' };

/**
 * Reads a name, its labels in lower case:
 * `[tag.]NAME.service[.DC].DOMAIN`, `_NAME._TAG[.service][.DC].DOMAIN` (RFC 2782; the tag "tcp" stands for any),
 * `NAME.node[.DC].DOMAIN`, `NAME.query[.DC].DOMAIN`, `[INSTANCE.]HEX.addr.DOMAIN` and reverse names. The last label that is one of these words counts,
 * so that tags, nodes and queries may have dots.
 */
export function subjectOf(labels: readonly string[], type: number, zone: Zone): Subject {
  if (labels.at(-1) === 'arpa') return { kind: 'reverse', address: reverseAddress(labels) };
  const domain = domainOf(labels, zone);
  if (domain === undefined) return { kind: 'outside' };
  const inner = labels.slice(0, labels.length - domain.length);
  for (let at = inner.length - 1; at >= 0; at--) {
    const parts = inner.slice(0, at);
    const suffix = inner.slice(at + 1);
    switch (inner[at]) {
      case 'service':
        return isHere(suffix, zone) ? serviceOf(parts) : NOTHING;
      case 'node':
        return isHere(suffix, zone) && parts.length > 0 ? { kind: 'node', node: parts.join('.') } : NOTHING;
      case 'addr':
        return parts.length === 1 || (zone.instanceNames === true && parts.length === 2)
          ? addressOf(parts.at(-1) as string)
          : NOTHING;
      case 'query':
        return isHere(suffix, zone) && parts.length > 0 ? { kind: 'query', query: parts.join('.') } : NOTHING;
      // There is no mesh.
      case 'connect':
      case 'ingress':
        return NOTHING;
      default:
        // Askers for SRV may leave the word "service" out.
        if (type === TYPE.SRV && inner[at]?.startsWith('_'))
          return isHere(suffix, zone) ? serviceOf(inner.slice(0, at + 1)) : NOTHING;
    }
  }
  return NOTHING;
}

/** The longest domain of ours that the name ends with. */
function domainOf(labels: readonly string[], { domains }: Zone): readonly string[] | undefined {
  let found: readonly string[] | undefined;
  for (const domain of domains) {
    const offset = labels.length - domain.length;
    if (offset < 0 || (found !== undefined && found.length >= domain.length)) continue;
    if (domain.every((label, i) => labels[offset + i] === label)) found = domain;
  }
  return found;
}

/** True when what stands behind the word names no datacenter but this one. */
function isHere(suffix: readonly string[], { datacenter }: Zone): boolean {
  return suffix.length === 0 || (suffix.length === 1 && suffix[0] === datacenter.toLowerCase());
}

function serviceOf(parts: readonly string[]): Subject {
  const last = parts.at(-1);
  if (last === undefined) return NOTHING;
  const first = parts[0] as string;
  if (parts.length === 2 && first.startsWith('_') && last.startsWith('_')) {
    const tag = last.slice(1);
    return { kind: 'service', service: first.slice(1), tag: tag === 'tcp' ? '' : tag };
  }
  return { kind: 'service', service: last, tag: parts.slice(0, -1).join('.') };
}

/** Eight digits are an IPv4 address, 32 an IPv6 address; another number is no address, but no error either. */
function addressOf(digits: string): Subject {
  const bytes = digits.length >> 1;
  if (bytes !== 4 && bytes !== 16) return { kind: 'address', address: undefined };
  if (digits.length % 2 !== 0 || !/^[0-9a-f]+$/.test(digits)) return NOTHING;
  return { kind: 'address', address: Uint8Array.from(Buffer.from(digits, 'hex')) };
}
