/** The groups of the configuration, and what they need of the agent: registry, catalog, the balancer's figures. */
import type { Catalog } from '../catalog/catalog.ts';
import { fold } from '../catalog/tables.ts';
import { aggregate, type Instance, instanceOf } from '../catalog/views.ts';
import { GroupController } from '../group/controller.ts';
import type { InstanceView } from '../group/instance.ts';
import { substitute } from '../group/substitute.ts';
import type { Surroundings } from '../group/surroundings.ts';
import { variablesOf } from '../group/variables.ts';
import type { GroupControl } from '../group/view.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry } from '../registry/registry.ts';
import type { Balancer } from './balancer.ts';
import type { Config } from './config/schema.ts';
import { serviceDefinition } from './definitions.ts';

type GroupConfig = Config['group'][number];

export interface GroupsOptions {
  readonly catalog: Catalog;
  readonly registry: Registry;
  readonly balancer: Pick<Balancer, 'trafficOf'> | undefined;
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
  /** Idempotent. */
  stop(): Promise<void>;
  /** Kills all instances now. */
  kill(): void;
}

/** Throws `group.failed`; what was started already is stopped then. */
export async function startGroups(groups: readonly GroupConfig[], options: GroupsOptions): Promise<Groups> {
  const { clock, random, logger, env, output } = options;
  const running = new Map<string, GroupController>();
  const stop = async (): Promise<void> => {
    await Promise.all([...running.values()].map((group) => group.stop()));
  };
  const start = async (group: GroupConfig): Promise<void> => {
    const deps = { clock, random, logger: logger.child(`group ${group.name}`), env, output };
    running.set(group.name, await GroupController.start(group, deps, surroundingsOf(group, options)));
  };
  try {
    for (const group of groups) await start(group);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    list: () => [...running.values()],
    async reload(wanted) {
      const names = new Set(wanted.map(({ name }) => name));
      for (const [name, controller] of running) {
        if (names.has(name)) continue;
        running.delete(name);
        await controller.stop();
      }
      for (const group of wanted) {
        const known = running.get(group.name);
        if (known === undefined) await start(group);
        else known.reconfigure(group);
      }
    },
    stop,
    kill() {
      for (const controller of running.values()) controller.kill();
    },
  };
}

function surroundingsOf(group: GroupConfig, { catalog, registry, balancer }: GroupsOptions): Surroundings {
  const { service, register } = group;
  const registered = (instance: InstanceView): Instance | undefined =>
    service === undefined ? undefined : instanceAt(catalog, service, registry.node.name, instance.port);
  return {
    health(instance) {
      const found = registered(instance);
      if (found === undefined) return undefined;
      return aggregate(found.checks);
    },
    traffic(instance) {
      const found = registered(instance);
      return found && balancer?.trafficOf(`${found.service.node}/${found.service.id}`);
    },
    async register(instance) {
      if (register === undefined || service === undefined) return;
      const { name, port = 0 } = instance;
      const definition = serviceDefinition(
        fill(
          { ...register, name: service, id: `${group.name}:${name}`, port },
          variablesOf(group.name, instance),
        ),
      );
      await registry.registerService(definition, { replaceExistingChecks: true });
    },
    async withdraw(instance) {
      const found = registered(instance);
      if (found !== undefined)
        await registry.maintain(found.service.id, `${instance.name} is leaving its group`);
    },
    async forget(instance) {
      const found = registered(instance);
      if (found !== undefined) await registry.deregisterService(found.service.id);
    },
    subscribe(listener) {
      if (service === undefined) return () => {};
      const name = fold(service);
      return catalog.feed.subscribe(({ services }) => {
        if (services.has(name)) listener();
      });
    },
  };
}

/** The instance of a service at a port of this node. */
function instanceAt(
  catalog: Catalog,
  service: string,
  node: string,
  port: number | undefined,
): Instance | undefined {
  const row = catalog
    .list('services', 'name', fold(service))
    .find((one) => one.port === port && fold(one.node) === fold(node));
  return row && instanceOf(catalog, row);
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
