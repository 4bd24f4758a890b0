import type { ScriptsFrom } from '../registry/admit.ts';
import { type Registry, startRegistry } from '../registry/registry.ts';
import { VERSION } from '../version.ts';
import type { Config } from './config/schema.ts';
import { definitionsOf } from './definitions.ts';
import type { Parts } from './doors.ts';
import type { Truth, Who } from './truth.ts';

/** Registers this node with what its disk and its configuration say. */
export function startOwnRegistry(
  { config, log, clock, random }: Parts,
  who: Who,
  { store, disk, isServer }: Pick<Truth, 'store' | 'disk' | 'isServer'>,
): Promise<Registry> {
  return startRegistry({
    store,
    node: {
      ...who,
      datacenter: config.node.datacenter,
      meta: config.node.meta,
      ...(isServer ? { server: { port: config.ports.server, meta: { version: VERSION } } } : {}),
    },
    disk,
    clock,
    random,
    logger: log.logger.child('registry'),
    definitions: definitionsOf(config),
    scripts: scriptsFrom(config.health),
    flood: {
      share: config.health.floodShare,
      floor: config.health.floodFloor,
      interval: config.health.floodInterval,
    },
    checkUpdateInterval: config.health.checkUpdateInterval,
    limits: {
      outputMaxSize: config.health.checkOutputMaxSize,
      discardOutput: config.health.discardCheckOutput,
    },
  });
}

function scriptsFrom({ enableScriptChecks, enableLocalScriptChecks }: Config['health']): ScriptsFrom {
  if (enableScriptChecks) return 'anybody';
  return enableLocalScriptChecks ? 'config' : 'nobody';
}
