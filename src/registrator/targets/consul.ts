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
        const { ID: id, Service: name, Address, Port, Tags, Meta } = service;
        const hasCheck = Object.hasOwn(checks, checkIdOf(id));
        return {
          id,
          name,
          owner: Meta?.[OWNER_KEY],
          print: printOf(name, Address, Port, Tags ?? [], Meta ?? {}, hasCheck),
        };
      });
    },
    print: ({ name, address: host, port, tags, meta, check }) =>
      printOf(name, host, port, tags, meta, check !== undefined),
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
export function registrationOf({ id, name, address, port, tags, meta, check }: WantedService) {
  return {
    ID: id,
    Name: name,
    Address: address,
    Port: port,
    Tags: [...tags],
    Meta: { ...meta },
    ...(check === undefined ? {} : { Check: check }),
  };
}

export function printOf(
  name: string,
  address: string,
  port: number,
  tags: readonly string[],
  meta: Readonly<Record<string, string>>,
  hasCheck: boolean,
): string {
  const pairs = Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, address, port, tags, pairs, hasCheck]);
}
