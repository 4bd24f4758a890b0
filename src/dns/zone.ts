import { createHash } from 'node:crypto';
import { MusterError } from '../errors.ts';
import { encodeLabels, labelsOf } from '../lib/dns/name.ts';
import { TYPE } from '../lib/dns/numbers.ts';
import type { DnsOptions } from './options.ts';
import type { DnsRecord } from './record.ts';
import type { Zone } from './subject.ts';

export interface ZoneOptions {
  /** "consul", or any other name; answers are written in it. */
  domain: string;
  /** Another domain in which the same questions are answered, or "". */
  altDomain: string;
  datacenter: string;
  /** Instances have names of their own. */
  instanceNames?: boolean;
}

/** The names of the zone, and its own records. */
export class DnsZone implements Zone {
  readonly domains: readonly (readonly string[])[];
  readonly datacenter: string;
  readonly instanceNames: boolean;
  /** Bytes of the domain. */
  readonly name: Buffer;

  /** Throws `config.invalid` for what cannot be a domain. */
  constructor({ domain, altDomain, datacenter, instanceNames = false }: ZoneOptions) {
    this.instanceNames = instanceNames;
    this.domains = [domain, altDomain].filter((text) => text !== '').map(domainLabels);
    this.datacenter = datacenter;
    this.name = nameIn(this.domains[0] ?? [], []) ?? Buffer.from([0]);
  }

  /** Bytes of `labels` below the domain, or undefined when that is too long or otherwise no name. */
  below(labels: readonly string[]): Buffer | undefined {
    return nameIn(this.domains[0] ?? [], labels);
  }

  /** "web-1" to the bytes of web-1.node.dc1.consul; a dot in it separates labels. */
  nodeName(node: string): Buffer | undefined {
    return this.below([...labelsOf(node), 'node', this.datacenter]);
  }

  serviceName(service: string): Buffer | undefined {
    return this.below([...labelsOf(service), 'service', this.datacenter]);
  }

  /** The name that stands for an address. */
  addressName(address: Uint8Array): Buffer | undefined {
    return this.below([Buffer.from(address).toString('hex'), 'addr', this.datacenter]);
  }

  /**
   * The name of one instance: the same address under a label of its own, so that it can be answered without looking for
   * the instance. IDs may be longer than labels and hold any character: 64 bits of a hash stand for them.
   */
  instanceName(node: string, id: string, address: Uint8Array): Buffer | undefined {
    const hash = createHash('sha256').update(`${node}\n${id}`).digest('hex').slice(0, 16);
    return this.below([hash, Buffer.from(address).toString('hex'), 'addr', this.datacenter]);
  }

  /** Start of authority. The serial is set when it is sent. */
  soa({ soa }: Pick<DnsOptions, 'soa'>): DnsRecord {
    const numbers = Buffer.alloc(20);
    [0, soa.refresh, soa.retry, soa.expire, soa.minTtl].forEach((value, i) => {
      numbers.writeUInt32BE(value, 4 * i);
    });
    const server = this.below(['ns']) ?? this.name;
    const mailbox = this.below(['hostmaster']) ?? this.name;
    const rdata = Buffer.concat([server, mailbox, numbers]);
    return { owner: this.name, type: TYPE.SOA, ttl: soa.minTtl, rdata };
  }
}

function nameIn(domain: readonly string[], labels: readonly string[]): Buffer | undefined {
  return encodeLabels([...labels, ...domain]);
}

function domainLabels(text: string): string[] {
  const labels = labelsOf(text.toLowerCase());
  if (labels.length === 0 || encodeLabels(labels) === undefined)
    throw new MusterError(
      'config.invalid',
      `${JSON.stringify(text)} is not a DNS domain. Write labels of 1 to 63 letters and digits, separated by dots.`,
    );
  return labels;
}
