/** Containers as engines describe them, and the services that are found in one. */
import type { ContainerDetails } from '../docker/types.ts';
import { DEFAULT_OPTIONS, type RegistratorOptions } from './options.ts';
import { type Found, type Surroundings, servicesOf } from './services.ts';

export type Parts = {
  name?: string;
  image?: string;
  env?: string[];
  labels?: Record<string, string>;
  exposed?: string[];
  /** "80/tcp" to "10.0.0.1:8080", ":8080" or null. */
  ports?: Record<string, string | null>;
  mode?: string;
  networks?: Record<string, { NetworkID?: string; IPAddress?: string; GlobalIPv6Address?: string }>;
  address?: string;
  health?: string;
};

export function container(parts: Parts = {}): ContainerDetails {
  const { name = 'redis.0', image = 'progrium/redis', env = [], labels = {}, mode = 'default' } = parts;
  const exposed = [...(parts.exposed ?? []), ...Object.keys(parts.ports ?? {})];
  return {
    Id: 'e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f',
    Name: `/${name}`,
    Config: {
      Image: image,
      Env: env,
      Labels: labels,
      ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])),
    },
    HostConfig: { NetworkMode: mode },
    NetworkSettings: {
      IPAddress: parts.address ?? '',
      Networks: parts.networks ?? {},
      Ports: Object.fromEntries(
        Object.entries(parts.ports ?? {}).map(([port, text]) => {
          const [, HostIp = '', HostPort = ''] = /^(.*):(\d+)$/.exec(text ?? '') ?? [];
          return [port, text === null ? null : [{ HostIp, HostPort }]];
        }),
      ),
    },
    State: { Running: true, ...(parts.health === undefined ? {} : { Health: { Status: parts.health } }) },
  };
}

export function find(
  parts: Parts,
  options: Partial<RegistratorOptions> = {},
  more: Partial<Surroundings> = {},
): Found {
  return servicesOf(container(parts), {
    options: { ...DEFAULT_OPTIONS, hostname: 'hostname', ...options },
    hostAddress: '192.168.1.102',
    nodeAddress: '192.168.1.102',
    extraTags: [],
    ...more,
  });
}

/** The fields that registrator's own documentation shows. */
export const shown = ({ services }: Found) =>
  services.map(({ id, name, port, address, tags, meta }) => ({ id, name, port, address, tags, meta }));
