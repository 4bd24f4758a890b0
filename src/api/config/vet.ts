import type { Authorizer } from '../../acl/authorizer.ts';
import type { ConfigEntry } from '../../catalog/rows.ts';

type Entry = Pick<ConfigEntry, 'kind' | 'name'>;

/** Kinds about everything: anybody may read them, operators write them. */
const GENERAL: ReadonlySet<string> = new Set(['proxy-defaults', 'mesh']);

/** Kinds that open doors between services: they take an operator to write. */
const GATEWAYS: ReadonlySet<string> = new Set(['ingress-gateway', 'terminating-gateway']);

/** Whether a token may read a config entry, by Consul's rules: most are about the service of their name. */
export function mayReadConfig(authorizer: Authorizer, { kind, name }: Entry): boolean {
  return GENERAL.has(kind) || authorizer.allows('service', 'read', name);
}

export function mayWriteConfig(authorizer: Authorizer, { kind, name }: Entry): boolean {
  return GENERAL.has(kind) || GATEWAYS.has(kind)
    ? authorizer.allows('operator', 'write')
    : authorizer.allows('service', 'write', name);
}
