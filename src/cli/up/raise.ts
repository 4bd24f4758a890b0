/** From a running agent to a stack that takes traffic. */
import type { Config } from '../../agent/config/schema.ts';
import { Client, clientOptionsFromEnv } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { count, ms } from '../load/text.ts';
import type { Companion, Running } from '../run-agent.ts';
import type { Terminal } from '../verb.ts';
import { doorsOf } from './doors.ts';
import { firstRequest } from './first-request.ts';
import { greeting, programName, type Ready } from './greeting.ts';
import { startGroups, waitForService } from './groups.ts';

/** After this time without all instances it is said who is missing, again and again; in ms. */
const PATIENCE = 10_000;

/**
 * Starts the groups and answers at once with what ends them; the greeting follows when all is there. An instance that
 * does not come up keeps the greeting away, and is said to, but stops nothing.
 */
export async function raise(
  config: Config,
  { agent, logger, signal }: Running,
  terminal: Terminal,
): Promise<Companion> {
  const since = performance.now();
  const doors = doorsOf(agent.addresses);
  const { http } = doors;
  if (http === undefined)
    throw new MusterError(
      'config.invalid',
      'a stack needs the HTTP API, over which its programs register: set ports.http',
    );
  const groups = await startGroups(
    config,
    {
      CONSUL_HTTP_ADDR: http,
      ...(doors.balancer[0] === undefined ? {} : { MUSTER_BALANCER_ADDR: doors.balancer[0] }),
    },
    { logger, terminal },
  );
  const client = new Client({ ...clientOptionsFromEnv(terminal.env), address: http });
  void greet().catch((error: unknown) => {
    if (!signal.aborted) logger.error(`cannot tell whether all instances take traffic: ${String(error)}`);
  });
  return groups;

  async function greet(): Promise<void> {
    const ready: Ready[] = [];
    for (const { service, route, replicas } of config.group) {
      if (service === undefined || replicas === 0) continue;
      await waitPatiently(service, replicas, route !== undefined && doors.balancer.length > 0);
      ready.push({ service, instances: replicas, route });
    }
    const seconds = ((performance.now() - since) / 1000).toFixed(1);
    for (const { service, instances, route } of ready)
      terminal.out(
        `\n${count(instances)} instances of ${service} pass${route === undefined ? '' : ' and are routed'} (${seconds} s).\n`,
      );
    terminal.out(
      greeting(doors, ready, {
        domain: config.dns.domain,
        program: programName(process.argv[1], process.cwd()),
      }),
    );
    const [balancer] = doors.balancer;
    for (const { route } of ready) {
      if (route === undefined || balancer === undefined) continue;
      const url = `http://${balancer}${route}`;
      const answer = await firstRequest(url, signal);
      terminal.out(
        typeof answer === 'string'
          ? `First request: GET ${url} failed: ${answer}\n\n`
          : `First request: GET ${url} answered ${answer.status}, ${count(answer.bytes)} bytes in ${ms(answer.took)} ms\n  ${answer.shown}\n\n`,
      );
    }
    terminal.out('Ctrl-C ends everything.\n');
  }

  async function waitPatiently(service: string, instances: number, isRouted: boolean): Promise<void> {
    let passing = 0;
    const timer = setInterval(() => {
      logger.warn(`still waiting for ${service}: ${passing} of ${instances} instances pass`);
    }, PATIENCE);
    try {
      await waitForService(client, { service, instances, isRouted }, signal, (now) => {
        passing = now;
      });
    } finally {
      clearInterval(timer);
    }
  }
}
