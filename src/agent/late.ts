import { fromHere } from '../lib/host-port.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/store.ts';
import type { AgentOptions } from './agent.ts';
import type { Balancer } from './balancer.ts';
import type { Config } from './config/schema.ts';
import type { Parts } from './doors.ts';
import { type Groups, type GroupsOptions, startGroups } from './groups.ts';
import type { AgentTemplates } from './templates.ts';
import { startWatches, type Watches } from './watches.ts';

export interface LateParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly balancer: Balancer | undefined;
  readonly disk: GroupsOptions['disk'];
  /** Where the HTTP API listens; undefined: nowhere. */
  readonly http: string | undefined;
  readonly groupOutput: AgentOptions['groupOutput'];
}

/** What uses the agent's own API: it begins last, and ends while all else still runs. */
export interface Late {
  readonly groups: Groups;
  readonly templates: AgentTemplates | undefined;
  reload(config: Config): Promise<void>;
}

/** Starts groups, templates and watches. What was started is in the teardown, also when a later one cannot be. */
export async function startLate(parts: Parts, late: LateParts): Promise<Late> {
  const groups = await beginGroups(parts, late);
  let templates = await beginTemplates(parts, late);
  const watches = beginWatches(parts, late);
  return {
    groups,
    get templates() {
      return templates;
    },
    async reload(config) {
      await groups.reload(config.group);
      // The first ones may come with a reload; HAProxy's backends are those of the start.
      if (templates === undefined)
        templates = await beginTemplates({ ...parts, config: { ...config, haproxy: [] } }, late);
      else templates.reload(config.template);
      watches?.reload(config.watch);
    },
  };
}

async function beginGroups(
  { config, clock, random, log: { logger }, teardown }: Parts,
  { store, registry, balancer, disk, http, groupOutput }: LateParts,
): Promise<Groups> {
  const listener = balancer?.addresses.listeners[0];
  const groups = await startGroups(config.group, {
    store,
    registry,
    runsAny: config.cluster.runGroups,
    balancer,
    disk,
    env: {
      MUSTER_NODE: registry.node.name,
      MUSTER_ZONE: config.node.meta.zone ?? '',
      ...addressOf(http),
      ...(listener === undefined ? {} : { MUSTER_BALANCER_ADDR: fromHere(listener) }),
    },
    clock,
    random,
    logger,
    output:
      groupOutput ??
      ((instance, stream, line) => {
        const to = logger.child(instance);
        if (stream === 'stderr') to.warn(line);
        else to.info(line);
      }),
  });
  teardown.add('the groups', () => groups.stop());
  return groups;
}

async function beginTemplates(
  { config, clock, random, log: { logger }, teardown }: Parts,
  { store, registry, http }: LateParts,
): Promise<AgentTemplates | undefined> {
  if (config.template.length === 0 && config.haproxy.length === 0) return undefined;
  const { startAgentTemplates } = await import('./templates.ts');
  const templates = startAgentTemplates({
    templates: config.template,
    haproxy: config.haproxy,
    catalog: store.catalog,
    node: registry.node,
    env: process.env,
    variables: addressOf(http),
    clock,
    random,
    logger,
  });
  teardown.add('the templates', () => templates.stop());
  return templates;
}

function beginWatches(
  { config, clock, random, log: { logger }, teardown }: Parts,
  { http }: LateParts,
): Watches | undefined {
  if (http === undefined) return undefined;
  const watches = startWatches(config.watch, {
    address: http,
    env: { ...process.env, ...addressOf(http) },
    clock,
    random,
    log: logger.child('watch'),
  });
  teardown.add('the watches', () => watches.stop());
  return watches;
}

/** As programs that are started look for it. */
function addressOf(http: string | undefined): { CONSUL_HTTP_ADDR?: string } {
  return http === undefined ? {} : { CONSUL_HTTP_ADDR: fromHere(http) };
}
