/** Where a plan is carried out: what it leaves open is read from the stack. */

import { DEFAULT_BALANCER } from '../../agent/config/balancer.ts';
import { readConfig, readConfigFile } from '../../agent/config/read.ts';
import { Client, clientOptionsFromEnv } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { fromHere } from '../../lib/host-port.ts';
import type { Plan } from './plan.ts';

export interface Target {
  readonly url: URL;
  /** Of the agents that run the groups. */
  readonly clients: readonly Client[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws `usage` for what nobody says. */
export function targetOf(stack: string | undefined, plan: Plan, env: Env): Target {
  const config = stack === undefined ? undefined : readConfig([readConfigFile(stack)]);
  const agents =
    plan.agents.length > 0 ? plan.agents : config === undefined ? [] : [`127.0.0.1:${config.ports.http}`];
  const clients = agents.map((address) => new Client({ ...clientOptionsFromEnv(env), address }));
  const route = config?.group.find((group) => group.route !== undefined)?.route;
  const [door = ''] = config?.balancer.listen ?? DEFAULT_BALANCER.listen;
  const written = plan.url ?? (route === undefined ? undefined : `http://${fromHere(door)}${route}`);
  if (written === undefined)
    throw new MusterError('usage', 'say with -url where the requests go: no group of the stack has a route');
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new MusterError('usage', `expected http://… to send requests to, got "${written}"`);
  return { url, clients };
}
