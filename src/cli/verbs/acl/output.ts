/** Tokens, policies and roles as Consul's command line prints them: scripts read these lines. */
import type { AclGrants, AclLink, AclPolicy, AclRole, AclToken } from '../../../client/index.ts';

export const META_FLAG = {
  meta: { kind: 'boolean', summary: 'Show the hash and the indexes too.' },
} as const;

/** "Label:  value", the values below one another at `width`. */
function line(label: string, width: number, value: unknown, indent = ''): string {
  return `${indent}${`${label}:`.padEnd(width)}${value}\n`;
}

const TOKEN_WIDTH = 18;
const OTHER_WIDTH = 14;

export function tokenText(token: AclToken, meta: boolean): string {
  return `${tokenHead(token, meta, false)}${grantsText(token)}${
    token.Rules ? `Rules:\n${token.Rules}\n` : ''
  }`;
}

export function tokensText(tokens: readonly AclToken[], meta: boolean): string {
  return tokens.map((token) => `${tokenHead(token, meta, true)}${grantsText(token)}`).join('\n');
}

function tokenHead(token: AclToken, meta: boolean, isListed: boolean): string {
  const row = (label: string, value: unknown) => line(label, TOKEN_WIDTH, value);
  return [
    row('AccessorID', token.AccessorID),
    row('SecretID', token.SecretID),
    row('Description', token.Description),
    row('Local', token.Local),
    row('Create Time', goTime(token.CreateTime)),
    ...(token.ExpirationTime === undefined ? [] : [row('Expiration Time', goTime(token.ExpirationTime))]),
    ...(isListed ? [row('Legacy', token.Legacy ?? false)] : []),
    ...(meta ? metaText(token, TOKEN_WIDTH) : []),
  ].join('');
}

export function policyText(policy: AclPolicy, meta: boolean): string {
  return `${policyHead(policy, meta, '')}Rules:\n${policy.Rules ?? ''}`;
}

export function policiesText(policies: readonly AclPolicy[], meta: boolean): string {
  return policies.map((policy) => `${policy.Name}:\n${policyHead(policy, meta, '   ')}`).join('');
}

function policyHead(policy: AclPolicy, meta: boolean, indent: string): string {
  const row = (label: string, value: unknown) => line(label, OTHER_WIDTH, value, indent);
  return [
    row('ID', policy.ID),
    ...(indent === '' ? [row('Name', policy.Name)] : []),
    row('Description', policy.Description),
    row('Datacenters', (policy.Datacenters ?? []).join(', ')),
    ...(meta ? metaText(policy, OTHER_WIDTH, indent) : []),
  ].join('');
}

export function roleText(role: AclRole, meta: boolean): string {
  return roleBody(role, meta, '');
}

export function rolesText(roles: readonly AclRole[], meta: boolean): string {
  return roles.map((role) => `${role.Name}:\n${roleBody(role, meta, '   ')}`).join('');
}

function roleBody(role: AclRole, meta: boolean, indent: string): string {
  const row = (label: string, value: unknown) => line(label, OTHER_WIDTH, value, indent);
  return [
    row('ID', role.ID),
    ...(indent === '' ? [row('Name', role.Name)] : []),
    row('Description', role.Description),
    ...(meta ? metaText(role, OTHER_WIDTH, indent) : []),
    grantsText(role, indent),
  ].join('');
}

interface Meta {
  Hash: string;
  CreateIndex: number;
  ModifyIndex: number;
}

function metaText({ Hash, CreateIndex, ModifyIndex }: Meta, width: number, indent = ''): string[] {
  return [
    line('Hash', width, Buffer.from(Hash, 'base64').toString('hex'), indent),
    line('Create Index', width, CreateIndex, indent),
    line('Modify Index', width, ModifyIndex, indent),
  ];
}

function grantsText(grants: AclGrants & { Roles?: AclLink[] }, indent = ''): string {
  const part = (title: string, rows: readonly string[] = []): string =>
    rows.length === 0 ? '' : `${indent}${title}:\n${rows.map((row) => `${indent}   ${row}\n`).join('')}`;
  const link = ({ ID = '', Name = '' }: AclLink) => `${ID} - ${Name}`;
  return [
    part('Policies', grants.Policies?.map(link)),
    part('Roles', grants.Roles?.map(link)),
    part(
      'Service Identities',
      grants.ServiceIdentities?.map(
        ({ ServiceName, Datacenters = [] }) =>
          `${ServiceName} (Datacenters: ${Datacenters.length === 0 ? 'all' : Datacenters.join(', ')})`,
      ),
    ),
    part(
      'Node Identities',
      grants.NodeIdentities?.map(({ NodeName, Datacenter }) => `${NodeName} (Datacenter: ${Datacenter})`),
    ),
  ].join('');
}

/** A time of the API as Go prints one: "2026-01-31 12:00:00.5 +0000 UTC". */
export function goTime(text: string): string {
  const [, date = '', time = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (date === '') return text;
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`;
  return `${date} ${time}${fraction.replace(/\.?0+$/, '')} ${offset}`;
}
