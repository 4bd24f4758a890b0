/** From a running agent to a stack that takes traffic. */
import type { Config } from '../../agent/config/schema.ts';
import { fold } from '../../catalog/tables.ts';
import { Client, clientOptionsFromEnv } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { count, ms } from '../load/text.ts';
import type { Running } from '../run-agent.ts';
import type { Terminal } from '../verb.ts';
import { doorsOf } from './doors.ts';
import { firstRequest } from './first-request.ts';
import { greeting, programName, type Ready } from './greeting.ts';
import { waitForService } from './wait-for-service.ts';

/** After this time without all instances it is said who is missing, again and again; in ms. */
const PATIENCE = 10_000;

/**
 * Says where to look once all is there. An instance that does not come up keeps the greeting away, and is said to, but
 * stops nothing. Throws `config.invalid` when there is no HTTP API.
 */
export function raise(config: Config, { agent, logger, signal }: Running, terminal: Terminal): void {
  const since = performance.now();
  const doors = doorsOf(agent.addresses);
  const { http } = doors;
  if (http === undefined)
    throw new MusterError(
      'config.invalid',
      'a stack needs the HTTP API, over which its programs register: set ports.http',
    );
  const client = new Client({ ...clientOptionsFromEnv(terminal.env), address: http });
  void greet().catch((error: unknown) => {
    if (!signal.aborted) logger.error(`cannot tell whether all instances take traffic: ${String(error)}`);
  });

  async function greet(): Promise<void> {
    const ready: Ready[] = [];
    for (const { name, service, route } of config.group) {
      const instances =
        agent.groups
          .list()
          .find((group) => group.name === name)
          ?.view().size ?? 0;
      if (service === undefined || instances === 0) continue;
      await waitPatiently(service, instances, route !== undefined && doors.balancer.length > 0);
      ready.push({ service, instances, route });
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
      const url = `${balancer}${route}`;
      const answer = await firstRequest(url, signal);
      terminal.out(
        typeof answer === 'string'
          ? `First request: GET ${url} failed: ${answer}\n\n`
          : `First request: GET ${url} answered ${answer.status}, ${count(answer.bytes)} bytes in ${ms(answer.took)} ms\n  ${answer.shown}\n\n`,
      );
    }
    const kept = config.group.filter(({ onExit }) => onExit === 'keep').map(({ name }) => name);
    terminal.out(
      kept.length === 0 ? 'Ctrl-C ends everything.\n' : `Ctrl-C ends all but ${kept.join(', ')}.\n`,
    );
  }

  const isKnown = (service: string): boolean =>
    agent.catalog.list('services', 'name', fold(service)).length > 0;

  async function waitPatiently(service: string, instances: number, isRouted: boolean): Promise<void> {
    let passing = 0;
    const timer = setInterval(() => {
      const why =
        passing > 0 || isKnown(service)
          ? `\`muster why ${service}\` says why`
          : 'none has registered itself (at CONSUL_HTTP_ADDR, with its PORT), and its group has no [group.register]';
      logger.warn(`still waiting for ${service}: ${passing} of ${instances} instances pass; ${why}`);
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
