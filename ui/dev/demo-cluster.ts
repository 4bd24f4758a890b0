import type { LookAtCluster } from '../../src/api/muster/cluster-watch.ts';
import { memberViews } from '../../src/api/muster/members.ts';
import { register } from '../../src/catalog/commands/register.ts';
import { checkRow, NODE } from '../../src/catalog/rows.test-support.ts';
import { MEMBER_CHECK } from '../../src/catalog/rows.ts';
import type { LinkState, Sighting } from '../../src/cluster/outlook.ts';
import type { Store } from '../../src/store/store.ts';

const SERVERS = ['node-1', 'node-2', 'node-3'];
const VERSION = '1.0.0';
const idOf = (name: string) => `0000-${name}`;

/** Three servers and some agents: of those one is always behind, one is always silent. */
export async function demoCluster(store: Store, agents: number): Promise<LookAtCluster> {
  const names = Array.from({ length: agents }, (_, at) => `edge-${at + 1}`);
  await store.write((tx) => {
    for (const [at, name] of [...SERVERS, ...names].entries())
      register(tx, {
        node: {
          ...NODE,
          id: idOf(name),
          name,
          address: `10.${at >> 16}.${(at >> 8) & 255}.${(at & 255) + 11}`,
          meta: { zone: `eu-${'abc'[at % 3]}` },
        },
        checks: [{ ...checkRow(MEMBER_CHECK), status: name === 'edge-2' ? 'critical' : 'passing' }],
      });
  });
  const began = Date.now() - 3 * 3_600_000;
  return async (before) => {
    const now = Date.now();
    const index = store.catalog.index + 12_000;
    const up = (kind: LinkState['kind']): LinkState => ({ kind, isUp: true, age: now - began, trouble: '' });
    const seen = (name: string, more: Partial<Sighting>): Sighting => {
      const well = { silence: 120, index, lag: { revisions: 0, ms: 0 } };
      return { id: idOf(name), version: VERSION, ...well, links: [], ...more };
    };
    const outlooks = SERVERS.map((by, at) => ({
      by: idOf(by),
      version: VERSION,
      index,
      sightings: [
        ...SERVERS.filter((one) => one !== by).map((one) => seen(one, { links: [up('calls'), up('peer')] })),
        ...names
          .filter((_, number) => number % 3 === at)
          .map((name) => {
            if (name === 'edge-2') return seen(name, { silence: now - began, index: null, lag: null });
            const late = { index: index - 87, lag: { revisions: 87, ms: 3_200 } };
            return seen(name, { links: [up('feed')], ...(name === 'edge-1' ? late : {}) });
          }),
      ],
    }));
    const servers = SERVERS.map((name, at) => ({
      id: idOf(name),
      name,
      address: `10.0.0.${11 + at}:8300`,
      leader: at === 0,
      voter: true,
      alive: true,
    }));
    const self = {
      id: idOf('node-1'),
      name: 'node-1',
      advertiseAddress: '10.0.0.11',
      version: VERSION,
      ports: { http: 8500, dns: 8600, server: 8300, serfLan: 8301 },
    };
    const views = {
      catalog: store.catalog,
      self,
      startedAt: began,
      seen: { servers, outlooks },
      before,
      now,
    };
    return {
      kind: 'servers',
      revision: index,
      isHeard: true,
      silentSince: null,
      members: memberViews(views),
    };
  };
}
