/** The groups of the configuration, and what they need of the agent: registry, catalog, the balancer's figures. */
import path from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { Service } from '../catalog/rows.ts';
import { fold } from '../catalog/tables.ts';
import { aggregate, type Instance, instanceOf, SERVICE_MAINTENANCE } from '../catalog/views.ts';
import { messageOf } from '../errors.ts';
import { removeLeftCgroups } from '../group/cgroup.ts';
import { GroupController, type Left } from '../group/controller.ts';
import { groupDiskIn, type KeptInstance } from '../group/disk.ts';
import { removeStrangers } from '../group/docker.ts';
import { Group } from '../group/group.ts';
import type { InstanceView, Keep } from '../group/instance.ts';
import { OutputFolder } from '../group/output-files.ts';
import { Rows } from '../group/placement/rows.ts';
import { substitute } from '../group/substitute.ts';
import { type Health, type Surroundings, sumOf } from '../group/surroundings.ts';
import { INSTANCE_ID, variablesOf } from '../group/variables.ts';
import type { GroupControl } from '../group/view.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { isRegistered } from '../registry/registered.ts';
import type { Registry } from '../registry/registry.ts';
import type { Environment } from '../store/environment.ts';
import type { Store } from '../store/store.ts';
import type { Balancer } from './balancer.ts';
import type { Config } from './config/schema.ts';
import { serviceDefinition } from './definitions.ts';
import { EndingGroups } from './ending-groups.ts';
import { MachineGroups } from './machine-groups.ts';
import { PlacedGroups } from './placed-groups.ts';

type GroupConfig = Config['group'][number];

export interface GroupsOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** This agent runs instances of any group that is spread over the cluster. */
  readonly runsAny: boolean;
  readonly balancer: Pick<Balancer, 'trafficOf'> | undefined;
  /** Where instances that outlive this program are kept; undefined: nowhere, all end with it. */
  readonly disk: { readonly environment: Environment; readonly directory: string } | undefined;
  /** What every instance finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Takes each line that an instance writes. */
  readonly output: (instance: string, stream: 'stdout' | 'stderr', line: string) => void;
}

/** All groups of an agent. */
export interface Groups {
  list(): GroupControl[];
  /** Starts those that are new, ends those that are gone, takes the others over as they are described now. */
  reload(groups: readonly GroupConfig[]): Promise<void>;
  /** Ends the instances, but for those that are to outlive this program. Idempotent. */
  stop(): Promise<void>;
  /** Kills all instances that end with this program, now. */
  kill(): void;
}

/** Throws `group.failed`; what was started already is stopped then. */
export async function startGroups(all: readonly GroupConfig[], options: GroupsOptions): Promise<Groups> {
  const groups = all.filter(isOfThisNode);
  const machines = new MachineGroups(options, (described) => surroundingsOf(described, options));
  const { clock, random, logger, env, output, registry } = options;
  const keep = keepIn(options);
  const left = keep?.disk.load() ?? { groups: [], instances: [] };
  const running = new Map<string, GroupController>();
  /** As they are described now; of those that are ending as they were last. */
  const described = new Map<string, GroupConfig>();
  const ending = new EndingGroups(clock, (name) => depsOf({ name }).logger);
  let isStopped = false;
  const stop = async (): Promise<void> => {
    isStopped = true;
    machines.stop();
    await Promise.all([
      placed.stop(),
      ...[...running.values()].map((group) => group.release()),
      ending.stop(),
    ]);
  };
  // An agent that is itself an instance of a group ends with what it started, or nobody would end that.
  const byDefault = process.env[INSTANCE_ID] === undefined ? 'keep' : 'end';
  const depsOf = ({ name, onExit = byDefault }: Pick<GroupConfig, 'name' | 'onExit'>) => ({
    clock,
    random,
    logger: logger.child(`group ${name}`),
    env,
    output,
    owner: registry.node.id,
    keep: onExit === 'end' ? undefined : keep,
  });
  const isHere = (id: string) =>
    [...running.values()].some((group) => group.view().instances.some((instance) => instance.id === id));
  const placed = new PlacedGroups({
    store: options.store,
    node: registry.node,
    runsAny: options.runsAny,
    depsOf,
    surroundingsOf: (group) => surroundingsOf(() => group, options),
    clock,
    logger,
  });
  const start = async (group: GroupConfig, ofGroup?: Left): Promise<void> => {
    const deps = { ...depsOf(group), isPatient: ofGroup === undefined };
    described.set(group.name, group);
    if (group.onExit === 'keep' && keep === undefined)
      deps.logger.warn(
        'its instances end with this agent: they outlive it only on Linux and with a data directory (on_exit = "keep")',
      );
    const surroundings = surroundingsOf(() => described.get(group.name) ?? group, options);
    const controller = await GroupController.start(group, deps, surroundings, ofGroup);
    running.set(group.name, controller);
    // An earlier run may have ended just when an instance had, and was still registered.
    const own = `${group.name}:${group.name}-`;
    const isThere = (id: string) =>
      controller.view().instances.some(({ name }) => id === `${group.name}:${name}`);
    for (const { id } of registry.services())
      if (id.startsWith(own) && /^\d+$/.test(id.slice(own.length)) && !isThere(id))
        await registry.deregisterService(id);
  };
  /** Tells whether those are ready that serve what this one does, or have been waited for long enough. */
  const successorsOf = ({ service, update }: GroupConfig) => {
    const end = clock.now() + update.rollback.deadline;
    const names = [...described.values()].flatMap((one) => (one.service === service ? [one.name] : []));
    const isReady = (name: string) => {
      const group = running.get(name)?.view();
      return group === undefined || group.ready >= group.size;
    };
    return () => service === undefined || clock.now() >= end || names.every(isReady);
  };
  /** Of a group that the configuration has no more. */
  const end = async (name: string, instances: readonly KeptInstance[]): Promise<void> => {
    const deps = depsOf({ name, onExit: 'keep' });
    const group = new Group(name, deps);
    deps.logger.info(`is not in the configuration any more: its ${instances.length} instances are ended`);
    for (const one of instances) await group.adopt(one, { isNeeded: false });
    await group.stop();
    const ports = new Set(instances.flatMap((one) => Object.values(one.ports)));
    for (const { id, port } of registry.services()) if (ports.has(port)) await registry.deregisterService(id);
    await keep?.disk.remove({ kind: 'group', name });
  };
  try {
    for (const group of groups)
      await start(group, {
        group: left.groups.find(({ name }) => name === group.name),
        instances: left.instances.filter((one) => one.group === group.name),
      });
    const spread = new Set([
      ...all.filter(isPlaced).map(({ name }) => name),
      ...Rows.groupsIn(options.store.catalog),
    ]);
    const others = new Map<string, KeptInstance[]>();
    for (const { name } of left.groups) if (!running.has(name)) others.set(name, []);
    for (const one of left.instances)
      if (!running.has(one.group)) others.set(one.group, [...(others.get(one.group) ?? []), one]);
    for (const [name, instances] of others) {
      if (spread.has(name)) await placed.adopt(name, instances);
      else await end(name, instances);
    }
    await placed.reload(all.filter(isPlaced));
    machines.reload(all);
  } catch (error) {
    await stop();
    throw error;
  }
  if (all.some(({ driver }) => driver === 'process')) removeLeftCgroups();
  void removeContainers(groups, (id) => isHere(id) || placed.isHere(id), options);
  return {
    list: () => [...[...running.values(), ...machines.running()].map(controlOf), ...placed.list()],
    async reload(wanted) {
      const here = wanted.filter(isOfThisNode);
      const names = new Set(here.map(({ name }) => name));
      for (const name of names) {
        const kept = ending.keep(name);
        if (kept !== undefined) running.set(name, kept);
      }
      const fresh = here.filter(({ name }) => !running.has(name));
      for (const group of here) {
        const known = running.get(group.name);
        if (known === undefined) continue;
        described.set(group.name, group);
        known.reconfigure(group);
      }
      for (const group of fresh) {
        // One of this name has its numbers and its places on the disk until it is gone.
        await ending.gone(group.name);
        if (isStopped) return;
        await start(group);
      }
      for (const [name, controller] of running) {
        if (names.has(name)) continue;
        running.delete(name);
        ending.add(controller, successorsOf(described.get(name) as GroupConfig));
      }
      await placed.reload(wanted.filter(isPlaced));
      machines.reload(wanted);
    },
    stop,
    kill() {
      for (const controller of running.values()) controller.kill();
      ending.kill();
      placed.kill();
    },
  };
}

function isOfThisNode({ placement, gce }: GroupConfig): boolean {
  return placement === undefined && gce === undefined;
}

function isPlaced({ placement }: GroupConfig): boolean {
  return placement !== undefined;
}

/** A group that is looked after right here answers at once. */
function controlOf(controller: GroupController): GroupControl {
  return {
    name: controller.name,
    view: () => controller.view(),
    policy: () => controller.policy(),
    scale: async (size) => controller.scale(size),
    roll: async () => controller.roll(),
    pause: async () => controller.pause(),
    resume: async () => controller.resume(),
    rollBack: async () => controller.rollBack(),
  };
}

/** Containers of this node that nobody knows any more: of groups that end with Muster, when it was killed. */
async function removeContainers(
  groups: readonly GroupConfig[],
  isKnown: (id: string) => boolean,
  { registry, logger }: GroupsOptions,
): Promise<void> {
  const byEngine = new Map(
    groups.filter(({ driver }) => driver === 'docker').map((group) => [group.container?.engine, group]),
  );
  for (const group of byEngine.values())
    try {
      const count = await removeStrangers(group, registry.node.id, isKnown);
      if (count > 0) logger.info(`removed ${count} containers that an earlier run of this agent left`);
    } catch (error) {
      logger
        .child(`group ${group.name}`)
        .warn(`cannot look for containers of earlier runs: ${messageOf(error)}`);
    }
}

/** An instance that outlives this program is known again by what /proc says of it. */
function keepIn({ disk, logger }: GroupsOptions): Keep | undefined {
  if (disk === undefined || process.platform !== 'linux') return undefined;
  return {
    disk: groupDiskIn(disk.environment, logger.child('groups')),
    output: new OutputFolder(path.join(disk.directory, 'output')),
  };
}

/** `described`: as the configuration has it at each moment. */
function surroundingsOf(
  described: () => GroupConfig,
  { store: { catalog }, registry, balancer, env }: GroupsOptions,
): Surroundings {
  /** More than one where a program registers itself and its group does so too. */
  const registered = ({ node = registry.node.name, port }: InstanceView): Instance[] => {
    const { service, gce } = described();
    if (service === undefined) return [];
    return gce === undefined
      ? instancesAt(catalog, service, (one) => one.port === port && fold(one.node) === fold(node))
      : instancesAt(catalog, service, (one) => isMachine(one.node, node));
  };
  return {
    health(instance) {
      const all = registered(instance).map(({ checks }) => aggregate(checks));
      return WORST_FIRST.find((health) => all.includes(health));
    },
    traffic: (instance) =>
      sumOf(
        registered(instance).flatMap(
          ({ service }) => balancer?.trafficOf(`${service.node}/${service.id}`) ?? [],
        ),
      ),
    keyValue(key) {
      const row = catalog.get('kv', key);
      return row && numberIn(Buffer.from(row.value).toString());
    },
    meta: (instance, name) =>
      numberIn(registered(instance).find(({ service }) => service.meta?.[name])?.service.meta?.[name]),
    async register(instance) {
      const { name: group, service, register } = described();
      if (register === undefined || service === undefined) return;
      const { name, port = 0 } = instance;
      const definition = serviceDefinition(
        fill(
          { ...register, name: service, id: `${group}:${name}`, port },
          { ...env, ...variablesOf(group, instance) },
        ),
      );
      if (isRegistered(registry, definition)) return;
      // Who was put into maintenance stays in it; one before it of this name is somebody else.
      const isHeld =
        registry.service(definition.id)?.port === port &&
        registry.check(`${SERVICE_MAINTENANCE}${definition.id}`) !== undefined;
      await registry.registerService(definition, { replaceExistingChecks: !isHeld });
    },
    async withdraw(instance) {
      const why = `${instance.name} is leaving its group`;
      await Promise.all(registered(instance).map(({ service }) => registry.maintain(service.id, why)));
    },
    async forget(instance) {
      // All at once: the next one of this name may come before the catalog has written the first.
      await Promise.all(registered(instance).map(({ service }) => registry.deregisterService(service.id)));
    },
    subscribe: (listener) =>
      catalog.feed.subscribe(({ services }) => {
        const { service } = described();
        if (service !== undefined && services.has(fold(service))) listener();
      }),
  };
}

/** Whoever was put into maintenance is missed by nobody. */
const WORST_FIRST: readonly Health[] = ['maintenance', 'critical', 'warning', 'passing'];

function instancesAt(catalog: Catalog, service: string, holds: (row: Service) => boolean): Instance[] {
  return catalog
    .list('services', 'name', fold(service))
    .filter(holds)
    .flatMap((row) => instanceOf(catalog, row) ?? []);
}

/** Whether a node is the machine of this name; its host name may have the domain behind that. */
function isMachine(node: string, machine: string): boolean {
  return fold(node) === fold(machine) || fold(node).startsWith(`${fold(machine)}.`);
}

function numberIn(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Fills `$PORT` and the like in, in every text of a definition. */
function fill<Definition>(definition: Definition, variables: Readonly<Record<string, string>>): Definition {
  const filled = (value: unknown): unknown => {
    if (typeof value === 'string') return substitute(value, variables);
    if (Array.isArray(value)) return value.map(filled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one)]));
  };
  return filled(definition) as Definition;
}
