import type { Catalog } from '../../catalog/catalog.ts';
import { leftMembers } from '../../catalog/commands/left-member.ts';
import { MEMBER_CHECK, type Node, SERVER_SERVICE } from '../../catalog/rows.ts';
import { fold, nodeKey, serviceKey } from '../../catalog/tables.ts';
import type { ClusterOutlook, ServerState } from '../../cluster/cluster.ts';
import { membersOf } from '../../cluster/liveness.ts';
import {
  type Lag,
  LINKS,
  type LinkState,
  NO_LAG,
  type Outlook,
  type Sighting,
} from '../../cluster/outlook.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { NodeIdentity } from '../context.ts';
import { checkView } from './instance-view.ts';
import { IN_STEP, type LinkView, type MemberView } from './wire.ts';

/** Moments that are so near (ms) are the same: ages are told by several, and each message takes its time. */
const SAME_MOMENT = 2_000;

export interface MembersInput {
  readonly catalog: Catalog;
  readonly self: Pick<NodeIdentity, 'id' | 'name' | 'advertiseAddress' | 'version' | 'ports'>;
  /** When this agent started, ms since the epoch. */
  readonly startedAt: number;
  /** Undefined: this agent is alone. */
  readonly seen: ClusterOutlook | undefined;
  /** As they were when they were last looked at, by their keys. */
  readonly before: ReadonlyMap<string, MemberView>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Who is in the cluster, and what those who can be asked know of each. */
export function memberViews(input: MembersInput): MemberView[] {
  const { catalog, self, seen, startedAt } = input;
  if (seen === undefined) {
    const node = catalog.get('nodes', nodeKey(self.name));
    const address = formatHostPort(self.advertiseAddress, self.ports.server);
    const own = { isLeader: true, isVoter: true, version: self.version, links: [] };
    const known = { revision: catalog.index, lag: NO_LAG, since: startedAt };
    return [{ ...basics(input, self.name, node), ...own, ...known, role: 'server', state: 'alive', address }];
  }
  const sights = new Sights(input, seen);
  const present = membersOf(catalog);
  const ids = new Set(present.map(({ id }) => id));
  const views = present.map(({ id, name, status }): MemberView => {
    const node = catalog.get('nodes', nodeKey(name));
    const server = sights.servers.get(id);
    const isServer =
      server !== undefined || catalog.get('services', serviceKey(name, SERVER_SERVICE)) !== undefined;
    const state = status === 'passing' ? 'alive' : 'silent';
    return {
      ...basics(input, name, node),
      ...sights.of(id, fold(name), state),
      ...standing(server, isServer),
      state,
      address: server?.address || (node?.address ?? ''),
    };
  });
  // They count, although they have registered nothing, or nothing any more.
  for (const [id, server] of sights.servers) {
    if (ids.has(id)) continue;
    const state = server.alive ? 'alive' : 'silent';
    const known = sights.of(id, fold(server.name), state);
    const { address } = server;
    views.push({
      ...basics(input, server.name, undefined),
      ...known,
      ...standing(server, true),
      state,
      address,
    });
  }
  for (const { name, address, isServer, at } of leftMembers(catalog)) {
    const nothing = { version: '', revision: null, lag: null, links: [] };
    const gone = { ...standing(undefined, isServer), ...nothing, address, since: at };
    views.push({ ...basics(input, name, undefined), ...gone, state: 'left' });
  }
  return views;
}

/** Those that may be read, each with its links to others that may. */
export function visibleMembers(
  members: readonly MemberView[],
  mayRead: (node: string) => boolean,
): MemberView[] {
  return members
    .filter(({ name }) => mayRead(name))
    .map((member) => ({ ...member, links: member.links.filter(({ to }) => to === '' || mayRead(to)) }));
}

/** As it stands in the stream: what changes all the time while all is well would be told all the time. */
export function settledView(view: MemberView): MemberView {
  return view.lag !== null && view.lag.ms < IN_STEP ? { ...view, revision: null, lag: NO_LAG } : view;
}

function basics({ catalog }: MembersInput, name: string, node: Node | undefined) {
  const own = catalog.list('checks', 'node', fold(name)).filter(({ serviceId, id }) => {
    return serviceId === '' && id !== MEMBER_CHECK;
  });
  return { key: fold(name), name, zone: node?.meta?.zone ?? '', checks: own.map(checkView) };
}

function standing(
  server: ServerState | undefined,
  isServer: boolean,
): Pick<MemberView, 'role' | 'isLeader' | 'isVoter'> {
  return {
    role: isServer ? 'server' : 'agent',
    isLeader: server?.leader ?? false,
    isVoter: server?.voter ?? false,
  };
}

type Known = Pick<MemberView, 'since' | 'version' | 'revision' | 'lag' | 'links'>;

/** A sighting with the ID of who tells of it. */
type Told = { readonly by: string } & Sighting;

/** What several tell of each, put together. */
class Sights {
  readonly servers: ReadonlyMap<string, ServerState>;
  readonly #input: MembersInput;
  readonly #outlooks: ReadonlyMap<string, Outlook>;
  readonly #names: ReadonlyMap<string, string>;
  /** By ID of who is seen; who heard of it last comes first. */
  readonly #told = new Map<string, Told[]>();

  constructor(input: MembersInput, { servers, outlooks }: ClusterOutlook) {
    this.#input = input;
    this.servers = new Map(servers.map((server) => [server.id, server]));
    this.#outlooks = new Map(outlooks.map((one) => [one.by, one]));
    // Nodes that were registered from outside may have no ID.
    const named = [...servers, ...input.catalog.all('nodes')].filter(({ id }) => id !== '');
    this.#names = new Map(named.map(({ id, name }) => [id, name]));
    for (const { by, sightings } of outlooks)
      for (const sighting of sightings) {
        const list = this.#told.get(sighting.id);
        if (list === undefined) this.#told.set(sighting.id, [{ by, ...sighting }]);
        else list.push({ by, ...sighting });
      }
    for (const list of this.#told.values()) list.sort((a, b) => silenceOf(a) - silenceOf(b));
  }

  of(id: string, key: string, state: MemberView['state']): Known {
    const { self, startedAt, now, before: known } = this.#input;
    const before = known.get(key);
    const own = this.#outlooks.get(id);
    const told = this.#told.get(id) ?? [];
    const links = (this.servers.has(id) ? this.#toServers(id) : this.#toItsServer(id, state)).map((link) => {
      const was = before?.links.find(({ to, kind }) => to === link.to && kind === link.kind);
      return { ...link, since: settled(was?.isUp === link.isUp ? was.since : null, link.since) };
    });
    const silence = told[0]?.silence ?? null;
    const silentSince = silence === null ? null : now - silence;
    const upSince = id === self.id ? startedAt : (links.find(({ isUp }) => isUp)?.since ?? null);
    return {
      since: settled(
        before?.state === state ? before.since : null,
        state === 'alive' ? upSince : silentSince,
      ),
      version: [own, ...told].find((one) => one !== undefined && one.version !== '')?.version ?? '',
      revision: own?.index ?? told[0]?.index ?? null,
      lag: state === 'alive' ? this.#lagOf(id) : null,
      links,
    };
  }

  #lagOf(id: string): Lag | null {
    const told = this.#told.get(id) ?? [];
    if (this.servers.has(id)) return worst(told) ?? (this.servers.size === 1 ? NO_LAG : null);
    const [nearest] = told;
    if (nearest === undefined || nearest.lag === null) return null;
    // What its server lacks it lacks too.
    const server = worst(this.#told.get(nearest.by) ?? []) ?? NO_LAG;
    const { revisions, ms } = nearest.lag;
    return { revisions: revisions + server.revisions, ms: Math.max(ms, server.ms) };
  }

  /** Of a server, as it tells itself. */
  #toServers(id: string): LinkView[] {
    const sightings = this.#outlooks.get(id)?.sightings.filter((one) => this.servers.has(one.id)) ?? [];
    return sightings.flatMap(({ id: to, links }) => links.map((link) => this.#view(to, link)));
  }

  /** Of an agent, as the server that it follows tells, or it itself where that cannot be asked. */
  #toItsServer(id: string, state: MemberView['state']): LinkView[] {
    const told = this.#told.get(id) ?? [];
    const follows = told.find(({ links }) => links.length > 0);
    if (follows !== undefined) return follows.links.map((link) => this.#view(follows.by, link));
    const [itself] = this.#outlooks.get(id)?.sightings ?? [];
    if (itself !== undefined) return itself.links.map((link) => this.#view(itself.id, link));
    if (state === 'alive') return [];
    return [this.#view('', { kind: 'feed', isUp: false, age: told[0]?.silence ?? null, trouble: '' })];
  }

  #view(to: string, { kind, isUp, age, trouble }: LinkState): LinkView {
    const since = age === null ? null : this.#input.now - age;
    return { to: this.#names.get(to) ?? to, kind, transport: LINKS[kind], isUp, since, trouble };
  }
}

function silenceOf({ silence }: Sighting): number {
  return silence ?? Number.POSITIVE_INFINITY;
}

/** The largest lag that one of them tells of; null when none does. */
function worst(told: readonly Sighting[]): Lag | null {
  const lags = told.flatMap(({ lag }) => lag ?? []);
  return lags.length === 0 ? null : lags.reduce((most, lag) => (lag.ms > most.ms ? lag : most));
}

/** A moment that is told anew each time stays where it was unless it moved. */
function settled(before: number | null, now: number | null): number | null {
  return before !== null && now !== null && Math.abs(before - now) < SAME_MOMENT ? before : now;
}
