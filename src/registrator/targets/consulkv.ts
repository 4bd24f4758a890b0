import type { Client } from '../../client/client.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { PresentService, Target } from '../target.ts';
import type { WantedService } from '../wanted.ts';
import { keyIn, ownerNumber, serviceOfKey } from './keys.ts';

export type KvClient = Pick<Client, 'kv' | 'status' | 'address'>;

/**
 * `<prefix>/<name>/<id>` = `<address>:<port>` in Consul's or Muster's key/value store. The flags of a key say which host
 * wrote it, which IDs of people's own making do not.
 */
export function consulKvTarget(client: KvClient, address: string, base: string, hostname: string): Target {
  const owner = ownerNumber(hostname);
  const addressText = (service: WantedService) => formatHostPort(service.address, service.port);
  return {
    address,
    async ping(signal) {
      await client.status.leader({ signal });
    },
    async list(signal) {
      const pairs = await client.kv.list(base, { signal });
      return pairs.flatMap(({ Key, Value, Flags }): PresentService[] => {
        const service = serviceOfKey(base, Key);
        if (service === undefined) return [];
        const isOurs = Number(Flags) === owner;
        return [{ ...service, owner: isOurs ? hostname : undefined, print: printOf(service.name, Value) }];
      });
    },
    print: (service) => printOf(service.name, Buffer.from(addressText(service))),
    async put(service, signal) {
      await client.kv.put(keyIn(base, service), addressText(service), { signal, flags: owner });
    },
    async remove(service, signal) {
      await client.kv.delete(keyIn(base, service), { signal });
    },
  };
}

function printOf(name: string, value: Uint8Array): string {
  return `${name} ${Buffer.from(value).toString()}`;
}
