import { beforeEach, describe, expect, it } from 'vitest';
import { noteLeft } from '../../catalog/commands/left-member.ts';
import { deregisterNode, register } from '../../catalog/commands/register.ts';
import { checkRow, NODE } from '../../catalog/rows.test-support.ts';
import { MEMBER_CHECK } from '../../catalog/rows.ts';
import type { ClusterOutlook } from '../../cluster/cluster.ts';
import { type LinkState, NO_LAG, type Sighting } from '../../cluster/outlook.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { memberViews, settledView, visibleMembers } from './members.ts';
import type { MemberView } from './wire.ts';

const NOW = 10_000_000;
const SERVERS = ['s1', 's2', 's3'];
const idOf = (name: string) => `id-of-${name}`;
const up = (kind: LinkState['kind'], age = 5_000): LinkState => ({ kind, isUp: true, age, trouble: '' });

const sighting = (name: string, more: Partial<Sighting> = {}): Sighting => ({
  id: idOf(name),
  version: '1.0.0',
  silence: 100,
  index: 50,
  lag: NO_LAG,
  links: [up('calls')],
  ...more,
});

let store: ReturnType<typeof openMemoryStore>;

async function join(name: string, status: 'passing' | 'critical' = 'passing'): Promise<void> {
  await store.write((tx) =>
    register(tx, {
      node: { ...NODE, name, id: idOf(name), address: '10.0.0.9', meta: { zone: 'a' } },
      checks: [{ ...checkRow(MEMBER_CHECK, ''), status }],
    }),
  );
}

beforeEach(async () => {
  store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  for (const name of [...SERVERS, 'a1']) await join(name);
});

/** Each server sees the two others; `a1` follows the first. */
function outlook(): ClusterOutlook {
  return {
    servers: SERVERS.map((name) => ({
      id: idOf(name),
      name,
      address: `${name}:8300`,
      leader: name === 's1',
      voter: true,
      alive: true,
    })),
    outlooks: SERVERS.map((by) => ({
      by: idOf(by),
      version: '1.0.0',
      index: 50,
      sightings: [
        ...SERVERS.filter((name) => name !== by).map((name) => sighting(name)),
        ...(by === 's1' ? [sighting('a1', { links: [up('feed', 60_000)] })] : []),
      ],
    })),
  };
}

function look(seen: ClusterOutlook | undefined, before: readonly MemberView[] = [], now = NOW) {
  const views = memberViews({
    catalog: store.catalog,
    self: {
      id: idOf('s1'),
      name: 's1',
      advertiseAddress: '10.0.0.1',
      version: '1.0.0',
      ports: { http: 8500, dns: 8600, server: 8300, serfLan: 8301 },
    },
    startedAt: 1_000,
    seen,
    before: new Map(before.map((view) => [view.key, view])),
    now,
  });
  return Object.fromEntries(views.map((view) => [view.name, view])) as Record<string, MemberView>;
}

/** `seen` with what `by` tells of `of` changed. */
function told(seen: ClusterOutlook, by: string, of: string, more: Partial<Sighting>): ClusterOutlook {
  return {
    ...seen,
    outlooks: seen.outlooks.map((one) =>
      one.by === idOf(by)
        ? {
            ...one,
            sightings: one.sightings.map((it) => (it.id === idOf(of) ? { ...it, ...more } : it)),
          }
        : one,
    ),
  };
}

describe('the members of a cluster', () => {
  it('are servers with their links to each other, and agents with that to the server they follow', () => {
    const { s1, s2, a1 } = look(outlook());
    expect(s1).toMatchObject({
      role: 'server',
      isLeader: true,
      state: 'alive',
      since: 1_000,
      address: 's1:8300',
      zone: 'a',
      revision: 50,
      lag: NO_LAG,
      links: [
        { to: 's2', kind: 'calls', transport: 'HTTP/2 over TLS 1.3', isUp: true, since: NOW - 5_000 },
        { to: 's3' },
      ],
    });
    expect(s2).toMatchObject({ isLeader: false, since: NOW - 5_000 });
    expect(a1).toMatchObject({
      role: 'agent',
      isVoter: false,
      version: '1.0.0',
      since: NOW - 60_000,
      links: [{ to: 's1', kind: 'feed', transport: 'lines over TLS 1.3', isUp: true }],
      checks: [],
    });
  });

  it('of an agent that is alone there is one', () => {
    expect(Object.keys(look(undefined))).toEqual(['s1']);
    expect(look(undefined).s1).toMatchObject({
      role: 'server',
      isLeader: true,
      lag: NO_LAG,
      revision: store.catalog.index,
      links: [],
      address: '10.0.0.1:8300',
    });
  });

  it('a server is as far behind as the one says that sees it furthest behind, and who follows it no less', () => {
    const seen = told(told(outlook(), 's2', 's1', { lag: { revisions: 7, ms: 900 } }), 's1', 'a1', {
      lag: { revisions: 2, ms: 3_000 },
    });
    const { s1, s2, a1 } = look(seen);
    expect([s1?.lag, s2?.lag, a1?.lag]).toEqual([
      { revisions: 7, ms: 900 },
      NO_LAG,
      { revisions: 9, ms: 3_000 },
    ]);
    // What its server lacks may be older than what it lacks besides.
    const later = told(seen, 's1', 'a1', { lag: { revisions: 2, ms: 30 } });
    expect(look(later).a1?.lag).toEqual({ revisions: 9, ms: 900 });
  });

  it('who went over to another server is known by that one, whatever the old one still believes', () => {
    const seen = told(outlook(), 's1', 'a1', { silence: 1_400, lag: { revisions: 400, ms: 1_400 } });
    const [first, second, third] = seen.outlooks;
    const now = sighting('a1', { silence: 20, links: [up('feed', 300)] });
    const moved = {
      ...seen,
      outlooks: [first, { ...second, sightings: [...(second?.sightings ?? []), now] }, third],
    };
    expect(look(moved as ClusterOutlook).a1).toMatchObject({ lag: NO_LAG, links: [{ to: 's2' }] });
  });

  it('one that is silent is so since it was last heard of, its links are down, and how far it is nobody claims to know', async () => {
    await join('a1', 'critical');
    await join('s3', 'critical');
    const trouble = 'connect ECONNREFUSED 10.0.0.3:8300';
    const down = { silence: 8_000, links: [{ kind: 'calls' as const, isUp: false, age: 8_000, trouble }] };
    const without = told(told(outlook(), 's1', 'a1', { silence: 9_000, links: [] }), 's1', 's3', down);
    const seen = { ...without, outlooks: without.outlooks.slice(0, 1) };
    const { s1, s3, a1 } = look(seen);
    expect(s1?.links[1]).toEqual({
      to: 's3',
      kind: 'calls',
      transport: 'HTTP/2 over TLS 1.3',
      isUp: false,
      since: NOW - 8_000,
      trouble,
    });
    expect(s3).toMatchObject({ state: 'silent', since: NOW - 8_000, lag: null, links: [] });
    expect(a1).toMatchObject({
      state: 'silent',
      since: NOW - 9_000,
      lag: null,
      links: [{ to: '', kind: 'feed', isUp: false, since: NOW - 9_000 }],
    });
  });

  it('an agent that hears no server says so of itself, and nothing of the others', async () => {
    await store.write((tx) => register(tx, { node: { ...NODE, name: 'from-outside' } }));
    const link: LinkState = { kind: 'feed', isUp: false, age: 3_000, trouble: 'it fell silent' };
    const own = {
      by: idOf('a1'),
      version: '1.0.0',
      index: 48,
      sightings: [sighting('', { id: '', links: [link] })],
    };
    const { a1, s2 } = look({ servers: [], outlooks: [own] });
    expect(a1).toMatchObject({
      version: '1.0.0',
      revision: 48,
      lag: null,
      links: [{ to: '', isUp: false, trouble: 'it fell silent' }],
    });
    expect(s2).toMatchObject({ lag: null, revision: null, links: [] });
  });

  it('who left is shown, and a server that counts although it has registered nothing', async () => {
    await store.write((tx) => {
      noteLeft(tx, 'a1');
      deregisterNode(tx, 'a1');
      deregisterNode(tx, 's2');
    });
    const { a1, s2 } = look(outlook());
    expect(a1).toMatchObject({ state: 'left', role: 'agent', lag: null, links: [] });
    expect(a1?.since).toBeGreaterThan(0);
    expect(s2).toMatchObject({ state: 'alive', role: 'server', isVoter: true, address: 's2:8300' });
  });

  it('moments stay where they are from look to look, though ages are never told quite exactly', () => {
    const first = look(outlook());
    const later = told(outlook(), 's1', 'a1', { links: [up('feed', 61_030)] });
    const second = look(later, Object.values(first), NOW + 1_000);
    expect(second.a1?.since).toBe(first.a1?.since);
    expect(second.a1?.links).toEqual(first.a1?.links);
    // Made anew meanwhile.
    const anew = told(outlook(), 's1', 'a1', { links: [up('feed', 10)] });
    expect(look(anew, Object.values(first), NOW + 1_000).a1?.since).toBe(NOW + 990);
  });

  it('who may not read a node learns nothing of it, not even that others are linked to it', () => {
    const seen = visibleMembers(Object.values(look(outlook())), (node) => node !== 's2');
    expect(seen.map(({ name }) => name)).toEqual(['a1', 's1', 's3']);
    expect(JSON.stringify(seen)).not.toContain('s2');
  });

  it('in the stream a commit that is on its way is no lag', () => {
    const { a1 } = look(told(outlook(), 's1', 'a1', { lag: { revisions: 3, ms: 20 } }));
    expect(settledView(a1 as MemberView)).toMatchObject({ revision: null, lag: NO_LAG });
    const { a1: late } = look(told(outlook(), 's1', 'a1', { lag: { revisions: 3, ms: 200 } }));
    expect(settledView(late as MemberView)).toBe(late);
  });
});
