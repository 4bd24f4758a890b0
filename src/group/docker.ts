/**
 * An instance as a container of a Docker-compatible engine. Its ports are published under the numbers that the group gave
 * out; labels say whose it is, so that it is found again whatever ended Muster.
 */

import type { DockerEngine } from '../docker/engine.ts';
import type { ContainerRequest } from '../docker/types.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { containerLog } from './container-log.ts';
import { ContainerWatch, engineOf } from './container-watch.ts';
import type { Driver, Ending, Launch, Running } from './drivers.ts';
import type { ContainerSpec, Template } from './spec.ts';

/** Label of the instance's id, and of the node whose it is. */
const INSTANCE = 'muster.instance-id';
const OWNER = 'muster.owner';

/** How often it is tried to end a container while its engine is away, and for how long beyond the stop timeout; ms. */
const RETRY = 500;
const PATIENCE = 15_000;

export const dockerDriver: Driver = {
  environment: () => ({}),

  portsInside({ container }, ports) {
    return Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [name, container?.ports[name] ?? port]),
    );
  },

  launch(launch) {
    const watch = ContainerWatch.of(engineOf(launch.template));
    return follow(launch, watch, async (signal) => {
      // What a start that failed half-way left.
      await removeAll(watch.engine, { [INSTANCE]: launch.id }, signal);
      const id = await watch.engine.createContainer(nameOf(launch), requestOf(launch), signal);
      launch.found({ kind: 'docker', container: id });
      await watch.engine.startContainer(id, signal);
      return id;
    });
  },

  async adopt(handle, launch) {
    const watch = ContainerWatch.of(engineOf(launch.template));
    const known = handle?.kind === 'docker' ? handle.container : undefined;
    try {
      const filters = { label: [`${INSTANCE}=${launch.id}`], status: ['running', 'paused'] };
      const [found] = await watch.engine.listContainers({ all: true, filters });
      return found && follow(launch, watch, () => Promise.resolve(found.Id));
    } catch (error) {
      // It may well run on while its engine is away: so it is believed to until the engine says otherwise.
      if (known === undefined || !isMusterError(error, 'docker.unreachable')) throw error;
      return follow(launch, watch, () => Promise.resolve(known));
    }
  },
};

/** Removes what a node started on an engine and knows nothing of any more: Muster was killed and did not keep them. */
export async function removeStrangers(
  template: Template,
  owner: string,
  isKnown: (instance: string) => boolean,
): Promise<number> {
  const engine = engineOf(template);
  return removeAll(engine, { [OWNER]: owner }, undefined, (labels) => !isKnown(labels[INSTANCE] ?? ''));
}

async function removeAll(
  engine: DockerEngine,
  labels: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  isMeant: (labels: Readonly<Record<string, string>>) => boolean = () => true,
): Promise<number> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const list = await engine.listContainers({ all: true, filters: { label }, ...(signal && { signal }) });
  const meant = list.filter(({ Labels }) => isMeant(Labels ?? {}));
  await Promise.all(meant.map(({ Id }) => engine.removeContainer(Id, signal)));
  return meant.length;
}

/** `begin` resolves to the ID of a container that runs, or rejects with why there is none. */
function follow(
  launch: Launch,
  watch: ContainerWatch,
  begin: (signal: AbortSignal) => Promise<string>,
): Running {
  const { engine } = watch;
  const ending = new AbortController();
  let pid: number | undefined;
  let health: string | undefined;
  let isReleased = false;
  const begun = begin(ending.signal);
  const ended = begun.then(
    async (id): Promise<Ending> => {
      const log = containerLog(launch, engine, id);
      watch.changed(id, (state) => {
        pid = watch.isLocal ? state.Pid || undefined : undefined;
        health = state.Health?.Status;
        launch.changed();
        log.follow();
      });
      const end = await watch.ended(id);
      watch.forget(id);
      if (isReleased) {
        log.release();
        return end;
      }
      await log.end();
      await engine.removeContainer(id).catch(() => {
        // The engine is away: it goes when the instance is started again or with the next start of Muster.
      });
      return end;
    },
    (error: unknown): Ending => ({ code: null, signal: null, error: whyNotStarted(error, launch.template) }),
  );
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const attempt = async (action: (id: string) => Promise<void>, until: number): Promise<void> => {
    // A container that could not be made is told by `ended`.
    const id = await begun.catch(() => undefined);
    while (id !== undefined && !hasEnded) {
      try {
        await action(id);
        watch.look(id);
        return;
      } catch (error) {
        if (isMusterError(error, 'docker.refused')) {
          watch.look(id);
          return;
        }
        if (Date.now() >= until) {
          watch.giveUp(id, `its engine does not answer: ${messageOf(error)}`);
          return;
        }
        await new Promise((next) => setTimeout(next, RETRY));
      }
    }
  };
  return {
    get pid() {
      return pid;
    },
    get health() {
      return health;
    },
    ended,
    async stop(timeout) {
      const seconds = Math.ceil(timeout / 1000);
      await attempt((id) => engine.stopContainer(id, seconds), Date.now() + timeout + PATIENCE);
      await ended;
    },
    kill() {
      ending.abort();
      void attempt((id) => engine.killContainer(id), Date.now() + PATIENCE);
    },
    release() {
      isReleased = true;
      void begun.then(
        (id) => watch.giveUp(id, ''),
        () => {},
      );
    },
  };
}

function nameOf({ name, id }: Launch): string {
  return `muster-${name}-${id.slice(0, 8)}`;
}

function requestOf({ template, command, env, ports, id, name, owner }: Launch): ContainerRequest {
  const { image, publish, network, volumes, labels, memory, cpus } = containerOf(template);
  const inside = dockerDriver.portsInside(template, ports);
  const isOwnNetwork = network !== 'host';
  const exposed = Object.entries(inside).map(([label, port]) => [`${port}/tcp`, ports[label]] as const);
  return {
    Image: image,
    ...(command.length === 0 ? {} : { Cmd: command }),
    Env: Object.entries(env).map(([variable, value]) => `${variable}=${value}`),
    Labels: {
      // The registrator leaves it to the group, unless the labels of the group say otherwise.
      SERVICE_IGNORE: 'it is of a group',
      ...labels,
      [INSTANCE]: id,
      [OWNER]: owner,
      'muster.instance': name,
    },
    ...(isOwnNetwork ? { ExposedPorts: Object.fromEntries(exposed.map(([port]) => [port, {}])) } : {}),
    HostConfig: {
      NetworkMode: network,
      ...(isOwnNetwork
        ? {
            PortBindings: Object.fromEntries(
              exposed.map(([port, outside]) => [port, [{ HostIp: publish, HostPort: String(outside) }]]),
            ),
          }
        : {}),
      Binds: volumes,
      Memory: memory,
      NanoCpus: Math.round(cpus * 1e9),
    },
  };
}

function containerOf({ container }: Template): ContainerSpec {
  if (container === undefined) throw new TypeError('a group of containers without [group.container]');
  return container;
}

function whyNotStarted(error: unknown, template: Template): string {
  const { image } = containerOf(template);
  const message = messageOf(error);
  if (/no such image/i.test(message))
    return `the engine has no image ${image}: fetch it with \`docker pull ${image}\` or build it, or write another one in [group.container]`;
  return message;
}
