import type { ClusterView, MemberView } from '../../../src/api/muster/wire.ts';
import { byName, formatCount, formatDuration, formatMany, formatSpan } from '../format.ts';

/** Servers first, then by zone and name, as people count. */
export function inOrder(members: Iterable<MemberView>): MemberView[] {
  return [...members].sort(
    (a, b) =>
      Number(b.role === 'server') - Number(a.role === 'server') ||
      byName(a.zone, b.zone) ||
      byName(a.name, b.name),
  );
}

/** What members can be looked for by. */
export const KINDS = {
  servers: ({ role }: MemberView) => role === 'server',
  agents: ({ role }: MemberView) => role === 'agent',
  behind: ({ lag }: MemberView) => lag !== null && lag.revisions > 0,
  silent: ({ state }: MemberView) => state === 'silent',
  left: ({ state }: MemberView) => state === 'left',
} as const;
export type Kind = keyof typeof KINDS;

export function fits(member: MemberView, kind: string, text: string): boolean {
  if (Object.hasOwn(KINDS, kind) && !KINDS[kind as Kind](member)) return false;
  const { name, zone, address, version } = member;
  return text === '' || `${name} ${zone} ${address} ${version}`.toLowerCase().includes(text.toLowerCase());
}

/** How many losses the servers can bear. */
export function quorumSentence({ kind }: ClusterView, members: readonly MemberView[]): string {
  if (kind === 'etcd') return 'An etcd elsewhere keeps the truth; this agent follows it.';
  const voters = members.filter(({ isVoter }) => isVoter);
  if (kind === 'alone' || voters.length === 1)
    return 'One server keeps the truth, on its own disk. While it is away, nothing can be written; look-ups of its clients go on.';
  if (voters.length === 0) return 'No server can be asked who keeps the truth.';
  const alive = voters.filter(({ state }) => state === 'alive').length;
  const quorum = Math.floor(voters.length / 2) + 1;
  const spare = alive - quorum;
  if (spare < 0)
    return `${alive} of ${voters.length} servers are there and ${quorum} are needed: nothing can be written until one comes back. Look-ups go on.`;
  return `${alive} of ${formatMany(voters.length, 'server')} are there, ${quorum} are needed: ${
    spare === 0 ? 'one more loss stops writes' : `${formatMany(spare, 'loss', 'losses')} can be borne`
  }.`;
}

/** How far the catalogs are. */
export function lagSentence({ revision }: ClusterView, members: readonly MemberView[]): string {
  const newest = `The newest revision is ${formatCount(revision)}.`;
  const alive = members.filter(({ state }) => state === 'alive');
  const behind = alive.flatMap(({ lag }) => (lag === null || lag.revisions === 0 ? [] : [lag]));
  const unknown = alive.filter(({ lag }) => lag === null).length;
  const rest = unknown === 0 ? '' : ` Not known of ${formatMany(unknown, 'member')}.`;
  if (behind.length > 0) {
    const most = formatMany(Math.max(...behind.map(({ revisions }) => revisions)), 'revision');
    const longest = formatDuration(Math.max(...behind.map(({ ms }) => ms)));
    return `${newest} ${formatMany(behind.length, 'member is', 'members are')} behind, by up to ${most} and ${longest}.${rest}`;
  }
  if (unknown === alive.length) return newest + rest;
  return `${newest} ${members.length === 1 ? 'This agent has it' : 'All that are heard have it'}.${rest}`;
}

/** While those who keep the truth are not heard; "" while they are. */
export function silenceSentence({ kind, isHeard, silentSince }: ClusterView, now: number): string {
  if (isHeard) return '';
  const who = kind === 'etcd' ? 'etcd' : 'a majority of the servers';
  const long = silentSince === null ? '' : ` for ${formatSpan(now - silentSince)}`;
  return `This agent has not heard ${who}${long}: what it shows and answers may be old. It goes on with what it knows; writes are refused.`;
}

/** "in step", "87 revisions, 3 s behind" */
export function lagWords({ lag }: MemberView): string {
  if (lag === null) return 'not known';
  if (lag.revisions === 0) return 'in step';
  return `${formatMany(lag.revisions, 'revision')}, ${formatDuration(lag.ms)} behind`;
}
