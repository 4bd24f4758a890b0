import * as z from 'zod';
import { formatHostPort } from '../../lib/host-port.ts';
import type { WantedService } from '../wanted.ts';
import type { EtcdRecords } from './etcd.ts';
import { keyIn, serviceOfKey } from './keys.ts';

/** `<base><name>/<id>` = `<address>:<port>`, as registrator writes it. */
export function addressRecords(base: string): EtcdRecords {
  return {
    base,
    key: (service) => keyIn(base, service),
    value: ({ address, port }) => formatHostPort(address, port),
    read: (key) => serviceOfKey(base, key),
  };
}

/**
 * How long (s) whoever asked may go by an answer. CoreDNS takes the least of this and the number of the key's lease, which
 * it mistakes for a time; its own default is five minutes.
 */
const DNS_TTL = 10;

/**
 * Records of SkyDNS 2, which CoreDNS's plugin `etcd` answers from
 * (https://coredns.io/plugins/etcd/): `<prefix>/local/cluster/<name>/<id>` for `<name>.cluster.local`.
 */
export function dnsRecords(prefix: string, domain: string): EtcdRecords {
  const labels = domain
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '');
  const base = `${prefix}/${labels.reverse().join('/')}/`;
  return {
    base,
    key: ({ name, id }) => keyIn(base, { name: name.toLowerCase(), id: labelOf(id) }),
    value: ({ address: host, port, id, name }: WantedService) =>
      // What a key cannot hold is ours: those who read the record pass over it.
      JSON.stringify({ host, port, ttl: DNS_TTL, id, ...(name === name.toLowerCase() ? {} : { name }) }),
    read(key, value) {
      const service = serviceOfKey(base, key);
      return service && { ...service, ...saidIn(value) };
    },
  };
}

/** An ID as the part of a DNS name that it is in the key: "host:web.0:80" is "host-web-0-80". */
function labelOf(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9_-]/g, '-');
}

/** As it was before it became part of a key. Others' records say nothing of the kind. */
const SAID = z.object({ id: z.string(), name: z.string().optional() });

function saidIn(value: string): { id?: string; name?: string } {
  try {
    const { id, name } = SAID.parse(JSON.parse(value));
    return { id, ...(name === undefined ? {} : { name }) };
  } catch {
    return {};
  }
}
