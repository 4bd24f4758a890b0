import { describe, expect, it } from 'vitest';
import type { ClusterView, MemberView } from '../../../src/api/muster/wire.ts';
import { fits, inOrder, lagSentence, lagWords, quorumSentence, silenceSentence } from './cluster-words.ts';

const CLUSTER: ClusterView = {
  key: 'cluster',
  kind: 'servers',
  revision: 12_345,
  isHeard: true,
  silentSince: null,
};

function member(name: string, more: Partial<MemberView> = {}): MemberView {
  return {
    key: name,
    name,
    role: 'server',
    isLeader: false,
    isVoter: more.role !== 'agent',
    state: 'alive',
    since: 0,
    address: '10.0.0.1:8300',
    zone: '',
    version: '1.0.0',
    revision: null,
    lag: { revisions: 0, ms: 0 },
    links: [],
    checks: [],
    ...more,
  };
}
const silent = (name: string) => member(name, { state: 'silent', lag: null });

describe('whether the truth is safe', () => {
  it.each([
    [[member('a')], /^One server keeps the truth/],
    [
      [member('a'), member('b'), member('c')],
      /^3 of 3 servers are there, 2 are needed: 1 loss can be borne\.$/,
    ],
    [
      [member('a'), member('b'), silent('c')],
      /^2 of 3 servers are there, 2 are needed: one more loss stops writes\.$/,
    ],
    [
      [member('a'), silent('b'), silent('c')],
      /^1 of 3 servers are there and 2 are needed: nothing can be written/,
    ],
    [[member('x', { role: 'agent' })], /^No server can be asked/],
  ])('case %#', (members, sentence) => expect(quorumSentence(CLUSTER, members)).toMatch(sentence));

  it('one that has no vote yet does not count', () => {
    const members = [member('a'), member('b'), member('c'), member('d', { isVoter: false })];
    expect(quorumSentence(CLUSTER, members)).toMatch(/^3 of 3 servers/);
  });

  it('says of etcd and of silence what they are', () => {
    expect(quorumSentence({ ...CLUSTER, kind: 'etcd' }, [member('a')])).toMatch(/^An etcd elsewhere/);
    expect(silenceSentence(CLUSTER, 0)).toBe('');
    const lost = { ...CLUSTER, isHeard: false, silentSince: 1_000 };
    expect(silenceSentence(lost, 13_000)).toMatch(/has not heard a majority of the servers for 12 s/);
  });
});

describe('how far the catalogs are', () => {
  const behind = member('b', { lag: { revisions: 87, ms: 3_200 } });

  it.each([
    [[member('a')], 'The newest revision is 12,345. This agent has it.'],
    [[member('a'), member('b')], 'The newest revision is 12,345. All that are heard have it.'],
    [
      [member('a'), behind],
      'The newest revision is 12,345. 1 member is behind, by up to 87 revisions and 3.2 s.',
    ],
    [
      [member('a'), member('b', { lag: null })],
      'The newest revision is 12,345. All that are heard have it. Not known of 1 member.',
    ],
    [[member('b', { lag: null })], 'The newest revision is 12,345. Not known of 1 member.'],
    [[member('a'), silent('b')], 'The newest revision is 12,345. All that are heard have it.'],
  ])('case %#', (members, sentence) => expect(lagSentence(CLUSTER, members)).toBe(sentence));

  it('in words by the member', () => {
    expect([member('a'), behind, silent('c')].map(lagWords)).toEqual([
      'in step',
      '87 revisions, 3.2 s behind',
      'not known',
    ]);
  });
});

it('servers come first, then zones and names as people count', () => {
  const agent = (name: string, zone: string) => member(name, { role: 'agent', zone });
  const members = [agent('a10', 'a'), agent('a2', 'a'), agent('a1', 'b'), member('z')];
  expect(inOrder(members).map(({ name }) => name)).toEqual(['z', 'a2', 'a10', 'a1']);
});

it('members are found by what is said of them', () => {
  const late = member('late', { role: 'agent', zone: 'eu', lag: { revisions: 1, ms: 500 } });
  expect([
    fits(late, 'behind', ''),
    fits(late, 'servers', ''),
    fits(late, '', 'EU'),
    fits(late, '', 'us'),
  ]).toEqual([true, false, true, false]);
  expect(fits(late, 'toString', '')).toBe(true);
});
