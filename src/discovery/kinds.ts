import { followCatalog } from './catalog.ts';
import { followConsul } from './consul.ts';
import { followDocker } from './docker.ts';
import { followExec } from './exec.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { followJson } from './json.ts';
import { followPlaintext } from './plaintext.ts';
import { followRegistry } from './registry.ts';
import { followSrv } from './srv.ts';
import { followStatic } from './static.ts';

/** Follows a source of instances; `options` are the kind's own. */
type Follow<Options> = (options: Options, listener: InstanceListener) => Discovery;

/** Every kind of discovery by the name it has in configuration. A new one is a file and a line here. */
export const DISCOVERY_KINDS = {
  catalog: followCatalog,
  static: followStatic,
  srv: followSrv,
  json: followJson,
  plaintext: followPlaintext,
  exec: followExec,
  consul: followConsul,
  docker: followDocker,
  registry: followRegistry,
} as const satisfies Record<string, Follow<never>>;
