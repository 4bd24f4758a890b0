/**
 * A backend of a running HAProxy whose servers are the instances of a service: told over the runtime API, without a
 * reload. It looks again every second, so that a HAProxy that was restarted, or somebody else's hand, is noticed.
 */
import { isIP } from 'node:net';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { serviceDependency } from '../dependencies/dependency.ts';
import { integerOf, type Value } from '../language/index.ts';
import type { Source } from '../sources/source.ts';
import { fittingWeights, plan, type Step, serverName, type WantedServer } from './plan.ts';
import { Runtime } from './runtime.ts';
import type { HaproxySettings } from './settings.ts';

export interface HaproxyOptions {
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface HaproxyOutput {
  /** Ends following; the servers stay as they are. */
  stop(): Promise<void>;
}

/** Between two looks (ms), and after a failure. */
const INTERVAL = 1_000;

interface Instance {
  readonly Node: string;
  readonly ID: string;
  readonly Address: string;
  readonly Port: Value;
  readonly Weights: { readonly Passing: Value };
}

/** Throws `template.invalid` for a service that cannot be asked for. */
export function followHaproxy(
  settings: HaproxySettings,
  { source, clock, log }: HaproxyOptions,
): HaproxyOutput {
  const { socket, backend, drain, minEntries } = settings;
  const runtime = new Runtime(socket);
  const name = `${socket} ${backend}`;
  /** Undefined until the registry answered: nothing is taken away before. */
  let wanted: readonly WantedServer[] | undefined;
  const drainingSince = new Map<string, number>();
  let said = '';
  let stopped = false;
  let running: Promise<void> | undefined;
  let again = false;
  let cancel = (): void => {};

  /** Says what is wrong, once. */
  const complain = (message: string): void => {
    if (message !== said) log.warn(`${name}: ${message}`);
    said = message;
  };

  const pass = async (): Promise<void> => {
    if (wanted === undefined) return;
    const present = await runtime.servers(backend);
    const leaving = present.some(({ isDraining }) => isDraining);
    const sessions = leaving ? await runtime.sessions(backend) : new Map<string, number>();
    const now = clock.now();
    for (const { name: server, isDraining } of present)
      if (!isDraining) drainingSince.delete(server);
      else if (!drainingSince.has(server)) drainingSince.set(server, now);
    const mayGo = (server: string): boolean =>
      sessions.get(server) === 0 || now - (drainingSince.get(server) ?? now) >= drain;
    const troubles: string[] = [];
    for (const step of plan(present, wanted, mayGo)) {
      if (stopped) return;
      try {
        await carryOut(runtime, settings, step);
        if (step.kind === 'add' || step.kind === 'drain' || step.kind === 'remove')
          log.info(
            `${name}: ${step.kind} ${step.kind === 'add' ? `${step.server.name} at ${step.server.address}:${step.server.port}` : step.name}`,
          );
      } catch (error) {
        // One server that is refused does not keep the others waiting.
        troubles.push(messageOf(error));
      }
    }
    if (troubles.length > 0) complain(troubles.join('; '));
    else said = '';
  };

  const sync = (): void => {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    cancel();
    running = pass()
      .catch((error: unknown) => complain(messageOf(error)))
      .finally(() => {
        running = undefined;
        const soon = again;
        again = false;
        if (soon) sync();
        else if (!stopped) cancel = clock.after(INTERVAL, sync);
      });
  };

  const unfollow = source.follow(serviceDependency(settings.service), {
    value: (value) => {
      const instances = value as readonly Instance[];
      if (instances.length < minEntries) {
        complain(
          `${instances.length} instances of ${settings.service}, fewer than ${minEntries}: the servers stay as they are`,
        );
        return;
      }
      wanted = serversOf(instances, (problem) => complain(problem));
      sync();
    },
    trouble: (error) => complain(`${messageOf(error)}; the servers stay as they are`),
  });
  sync();
  return {
    async stop() {
      stopped = true;
      cancel();
      unfollow();
      await running;
    },
  };
}

/** The servers for a list of instances. One that HAProxy could not reach is left out, and said. */
export function serversOf(
  instances: readonly Instance[],
  complain: (problem: string) => void,
): WantedServer[] {
  const usable = instances.filter(({ Node, ID, Address }) => {
    if (isIP(Address) !== 0) return true;
    complain(`${ID} on ${Node} is left out: ${JSON.stringify(Address)} is no IP address`);
    return false;
  });
  const weights = fittingWeights(usable.map(({ Weights }) => Number(integerOf(Weights.Passing) ?? 1n)));
  const servers = usable.map(({ Node, ID, Address, Port }, i) => ({
    name: serverName(Node, ID),
    address: Address,
    port: Number(integerOf(Port) ?? 0n),
    weight: weights[i] as number,
  }));
  return [...new Map(servers.map((server) => [server.name, server])).values()];
}

async function carryOut(
  runtime: Runtime,
  { backend, serverOptions }: HaproxySettings,
  step: Step,
): Promise<void> {
  switch (step.kind) {
    case 'add': {
      const { name, address, port, weight } = step.server;
      const place = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
      const options = serverOptions === '' ? '' : ` ${serverOptions}`;
      await runtime.tell(
        `add server ${backend}/${name} ${place} weight ${weight}${options}`,
        /^New server registered/,
      );
      return;
    }
    case 'enable':
      await runtime.tell(`set server ${backend}/${step.name} state ready`);
      // Does nothing, and says so, for a server without checks.
      await runtime.ask(`enable health ${backend}/${step.name}`);
      return;
    case 'address': {
      const { name, address, port } = step.server;
      await runtime.tell(`set server ${backend}/${name} addr ${address} port ${port}`, /chang|^$/);
      return;
    }
    case 'weight':
      await runtime.tell(`set server ${backend}/${step.name} weight ${step.weight}`);
      return;
    case 'drain':
      await runtime.tell(`set server ${backend}/${step.name} state drain`);
      return;
    case 'remove':
      await runtime.tell(`set server ${backend}/${step.name} state maint`);
      await runtime.ask(`shutdown sessions server ${backend}/${step.name}`);
      await runtime.tell(`del server ${backend}/${step.name}`, /^Server deleted/);
      return;
  }
}
