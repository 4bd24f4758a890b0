/** What tokens and roles are given, from flags: policies, roles, identities. */
import type { AclCalls, AclLink, AclNodeIdentity, AclServiceIdentity } from '../../../client/acl.ts';
import { MusterError } from '../../../errors.ts';
import type { FlagValues } from '../../flags.ts';

export const GRANT_FLAGS = {
  'policy-id': { kind: 'list', value: 'ID', summary: 'A policy, by the beginning of its ID.' },
  'policy-name': { kind: 'list', value: 'NAME', summary: 'A policy, by its name.' },
  'service-identity': {
    kind: 'list',
    value: 'SERVICE[:DC,…]',
    summary: 'May register this service and find others.',
  },
  'node-identity': { kind: 'list', value: 'NODE:DC', summary: 'May register this node and find services.' },
} as const;

export const ROLE_FLAGS = {
  'role-id': { kind: 'list', value: 'ID', summary: 'A role, by the beginning of its ID.' },
  'role-name': { kind: 'list', value: 'NAME', summary: 'A role, by its name.' },
} as const;

type Grants = FlagValues<typeof GRANT_FLAGS>;
type Roles = FlagValues<typeof ROLE_FLAGS>;

/** IDs of what is always there, which may be called by name. */
const BUILTIN = {
  anonymous: '00000000-0000-0000-0000-000000000002',
  'global-management': '00000000-0000-0000-0000-000000000001',
};
const UUID_LENGTH = 36;

/** Whether any of these flags was given. */
export function givesSomething(flags: Grants & Roles): boolean {
  return Object.keys({ ...GRANT_FLAGS, ...ROLE_FLAGS }).some(
    (name) => flags[name as keyof (Grants & Roles)] !== undefined,
  );
}

export async function policiesFrom(acl: AclCalls, flags: Grants): Promise<AclLink[]> {
  const names = (flags['policy-name'] ?? []).map((Name) => ({ Name }));
  const ids = (flags['policy-id'] ?? []).map(async (id) => ({ ID: await policyId(acl, id) }));
  return [...names, ...(await Promise.all(ids))];
}

export async function rolesFrom(acl: AclCalls, flags: Roles): Promise<AclLink[]> {
  const names = (flags['role-name'] ?? []).map((Name) => ({ Name }));
  const ids = (flags['role-id'] ?? []).map(async (id) => ({ ID: await roleId(acl, id) }));
  return [...names, ...(await Promise.all(ids))];
}

/** Throws `usage`. */
export function serviceIdentitiesFrom(flags: Grants): AclServiceIdentity[] {
  return (flags['service-identity'] ?? []).map((text) => {
    const [ServiceName = '', datacenters, ...more] = text.split(':');
    if (ServiceName === '' || more.length > 0)
      throw new MusterError('usage', `-service-identity: expected SERVICE or SERVICE:DC,DC, got "${text}"`);
    return { ServiceName, ...(datacenters === undefined ? {} : { Datacenters: datacenters.split(',') }) };
  });
}

/** Throws `usage`. */
export function nodeIdentitiesFrom(flags: Grants): AclNodeIdentity[] {
  return (flags['node-identity'] ?? []).map((text) => {
    const [NodeName = '', Datacenter = '', ...more] = text.split(':');
    if (NodeName === '' || Datacenter === '' || more.length > 0)
      throw new MusterError('usage', `-node-identity: expected NODE:DC, got "${text}"`);
    return { NodeName, Datacenter };
  });
}

/** `known` with those of `given` that are not among them. */
export function mergedLinks(known: readonly AclLink[] = [], given: readonly AclLink[] = []): AclLink[] {
  const isKnown = ({ ID, Name }: AclLink) =>
    known.some((link) => (ID === undefined ? link.Name === Name : link.ID === ID));
  return [...known, ...given.filter((link) => !isKnown(link))];
}

/** The same; one of the same service takes its place. */
export function mergedServices(
  known: readonly AclServiceIdentity[] = [],
  given: readonly AclServiceIdentity[] = [],
): AclServiceIdentity[] {
  const isGiven = ({ ServiceName }: AclServiceIdentity) =>
    given.some((one) => one.ServiceName === ServiceName);
  return [...known.filter((one) => !isGiven(one)), ...given];
}

export function mergedNodes(
  known: readonly AclNodeIdentity[] = [],
  given: readonly AclNodeIdentity[] = [],
): AclNodeIdentity[] {
  const isKnown = ({ NodeName, Datacenter }: AclNodeIdentity) =>
    known.some((one) => one.NodeName === NodeName && one.Datacenter === Datacenter);
  return [...known, ...given.filter((one) => !isKnown(one))];
}

/** The accessor ID that begins so. Throws `request.rejected` when it is none or several. */
export async function tokenId(acl: AclCalls, beginning: string): Promise<string> {
  const ids = async () => (await acl.tokens()).map(({ AccessorID }) => AccessorID);
  return wholeId('token', beginning === 'anonymous' ? BUILTIN.anonymous : beginning, ids);
}

export async function policyId(acl: AclCalls, beginning: string): Promise<string> {
  const id = beginning === 'global-management' ? BUILTIN['global-management'] : beginning;
  return wholeId('policy', id, async () => (await acl.policies()).map(({ ID }) => ID));
}

export async function roleId(acl: AclCalls, beginning: string): Promise<string> {
  return wholeId('role', beginning, async () => (await acl.roles()).map(({ ID }) => ID));
}

async function wholeId(noun: string, beginning: string, all: () => Promise<string[]>): Promise<string> {
  if (beginning.length === UUID_LENGTH) return beginning;
  const [id, ...others] = (await all()).filter((one) => one.startsWith(beginning));
  if (id === undefined)
    throw new MusterError('request.rejected', `no ${noun} has an ID that begins with "${beginning}"`);
  if (others.length > 0)
    throw new MusterError(
      'request.rejected',
      `${others.length + 1} IDs of ${noun === 'policy' ? 'policies' : `${noun}s`} begin with "${beginning}": give more of it`,
    );
  return id;
}

/** Which policy or role `-id` or `-name` means. Throws `usage` without either, `request.rejected` when there is none. */
export async function idOf(
  noun: 'policy' | 'role',
  acl: AclCalls,
  { id, name }: { id?: string | undefined; name?: string | undefined },
): Promise<string> {
  if (id !== undefined) return noun === 'policy' ? policyId(acl, id) : roleId(acl, id);
  if (name === undefined) throw new MusterError('usage', `give -id or -name of the ${noun}`);
  const all = noun === 'policy' ? await acl.policies() : await acl.roles();
  const found = all.find((one) => one.Name === name);
  if (found === undefined)
    throw new MusterError('request.rejected', `there is no ${noun} with the name "${name}"`);
  return found.ID;
}
