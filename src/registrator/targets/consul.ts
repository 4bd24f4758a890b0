import type { Client } from '../../client/client.ts';
import { OWNER_KEY } from '../services.ts';
import type { PresentService, Target } from '../target.ts';
import type { WantedService } from '../wanted.ts';

/** The part of a client that is needed: an agent's. */
export type ConsulClient = Pick<Client, 'agent' | 'status' | 'address'>;

/** The ID that agents give the check of a service. Others (maintenance) are not ours. */
export const checkIdOf = (id: string): string => `service:${id}`;

/** Services of an agent, Muster's or Consul's. What it needs to know of them it reads in two calls. */
export function consulTarget(client: ConsulClient, address: string): Target {
  let checked: Readonly<Record<string, unknown>> = {};
  return {
    address,
    async ping(signal) {
      await client.status.leader({ signal });
    },
    async list(signal) {
      const [services, checks] = await Promise.all([
        client.agent.services({ signal }),
        client.agent.checks({ signal }),
      ]);
      checked = checks;
      return Object.values(services).map((service): PresentService => {
        const { ID: id, Service: name, Address, Port = 0, Tags, Meta, EnableTagOverride } = service;
        return {
          id,
          name,
          owner: Meta?.[OWNER_KEY],
          print: printOf({
            name,
            address: Address,
            port: Port,
            tags: Tags ?? [],
            meta: Meta ?? {},
            tagOverride: EnableTagOverride === true,
            hasCheck: Object.hasOwn(checks, checkIdOf(id)),
          }),
        };
      });
    },
    print: (service) => printOf({ ...service, hasCheck: service.check !== undefined }),
    async put(service, signal) {
      const { id, check, verdict } = service;
      await client.agent.register(registrationOf(service), { signal });
      const checkId = checkIdOf(id);
      if (verdict !== undefined)
        await client.agent.update(checkId, verdict.status, verdict.output, { signal });
      // Not `replaceExistingChecks`, which would end a maintenance.
      if (check === undefined && Object.hasOwn(checked, checkId))
        await client.agent.deregisterCheck(checkId, { signal });
    },
    remove: ({ id }, signal) => client.agent.deregister(id, { signal }),
  };
}

/** As the API of agents takes it. */
export function registrationOf({ id, name, address, port, tags, meta, tagOverride, check }: WantedService) {
  return {
    ID: id,
    Name: name,
    Address: address,
    Port: port,
    Tags: [...tags],
    Meta: { ...meta },
    ...(tagOverride ? { EnableTagOverride: true } : {}),
    ...(check === undefined ? {} : { Check: check }),
  };
}

/** What an agent shows of a service. */
export interface Shown
  extends Pick<WantedService, 'name' | 'address' | 'port' | 'tags' | 'meta' | 'tagOverride'> {
  readonly hasCheck: boolean;
}

export function printOf({ name, address, port, tags, meta, tagOverride, hasCheck }: Shown): string {
  const pairs = Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1));
  // Tags that others may change are theirs.
  return JSON.stringify([name, address, port, tagOverride ? true : tags, pairs, hasCheck]);
}
