import { type DockerEndpoint, dockerEndpoint } from '../docker/endpoint.ts';
import { DockerEngine } from '../docker/engine.ts';
import type { ContainerSummary } from '../docker/types.ts';
import { isAny } from '../lib/ip.ts';
import { type Backend, backendOf } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { type PollOptions, poll } from './poll.ts';

export interface DockerDiscoveryOptions extends PollOptions {
  /** "http://host:2375", "unix:///var/run/docker.sock". */
  readonly endpoint: string;
  /** "name=value" or "name"; "": all containers. */
  readonly label: string;
  /** The port inside of the containers; where it is published is where they are reached. */
  readonly privatePort: number;
  /** The variable of a container's environment that says its address; "": none does. */
  readonly hostEnv: string;
  /** Speak TLS. Paths of PEM files, "" for none; without an authority the engine's certificate may be anybody's. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
}

/** Containers of an engine that publish a port. Throws `config.invalid` for an endpoint that cannot be one. */
export function followDocker(options: DockerDiscoveryOptions, listener: InstanceListener): Discovery {
  const { label, privatePort, hostEnv } = options;
  const endpoint = endpointOf(options);
  const engine = new DockerEngine(endpoint);
  const list = async (signal: AbortSignal) => {
    const filters = label === '' ? {} : { filters: { label: [label] } };
    const containers = await engine.listContainers({ ...filters, signal });
    const backends = await Promise.all(
      containers.map(async (container) => {
        const told = hostEnv === '' ? undefined : await hostFrom(engine, container.Id, hostEnv, signal);
        return backendsOf(container, privatePort, endpoint, told);
      }),
    );
    return { backends: backends.flat() };
  };
  return poll({ kind: 'docker', timeout: 5_000, list }, options, listener);
}

function endpointOf({ endpoint, tls }: DockerDiscoveryOptions): DockerEndpoint {
  if (tls === undefined) return dockerEndpoint({ host: endpoint });
  const given = Object.fromEntries(Object.entries(tls).filter(([, path]) => path !== ''));
  return dockerEndpoint({ host: endpoint, tls: { ...given, verify: tls.ca !== '' } });
}

function backendsOf(
  { Ports: ports, Labels: labels }: ContainerSummary,
  privatePort: number,
  endpoint: DockerEndpoint,
  told: string | undefined,
): Backend[] {
  const published = (ports ?? []).filter((port) => port.PrivatePort === privatePort && port.PublicPort);
  return published.flatMap((port) => {
    const isAnywhere = !port.IP || isAny(port.IP);
    const host = told ?? (isAnywhere ? (endpoint.kind === 'tcp' ? endpoint.host : '127.0.0.1') : port.IP);
    return backendOf({ host, port: port.PublicPort, serverName: labels?.sni }) ?? [];
  });
}

/** Undefined when the container does not say it. */
async function hostFrom(
  engine: DockerEngine,
  id: string,
  variable: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const details = await engine.inspectContainer(id, signal);
  const entry = details?.Config.Env?.find((text) => text.startsWith(`${variable}=`));
  const value = entry?.slice(variable.length + 1) ?? '';
  return value === '' ? undefined : value;
}
