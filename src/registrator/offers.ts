import type { ContainerDetails, PortBinding } from '../docker/types.ts';

/** A port that a container has, and where it can be reached. */
export interface Offer {
  /** Inside the container, as text: it is part of names. */
  readonly port: string;
  /** "tcp", "udp", "sctp". */
  readonly protocol: string;
  /** On the host; undefined when it is not published there. */
  readonly hostPort: number | undefined;
  /** The host's address it is published on; "" for all of them. */
  readonly hostAddress: string;
}

/** An address that stands for all of a host's. */
const ALL = new Set(['', '0.0.0.0', '::']);

/**
 * The ports of a container in the order of their numbers. On the host's own network, and on that of another container, every
 * exposed port counts as published under its own number. A container without a network offers none.
 */
export function offersOf({ Config, HostConfig, NetworkSettings }: ContainerDetails): Offer[] {
  const mode = HostConfig?.NetworkMode ?? '';
  if (mode === 'none') return [];
  const bindings = new Map<string, readonly PortBinding[]>();
  const sharesNetwork = mode === 'host' || mode.startsWith('container:');
  // `-p` on the host's network publishes nothing, but is meant.
  const declared = { ...Config.ExposedPorts, ...(sharesNetwork ? HostConfig?.PortBindings : {}) };
  for (const key of Object.keys(declared))
    bindings.set(key, sharesNetwork ? [{ HostPort: key.split('/')[0] as string }] : []);
  for (const [key, published] of Object.entries(NetworkSettings?.Ports ?? {}))
    bindings.set(key, published ?? []);
  return [...bindings]
    .map(([key, published]) => offerOf(key, published))
    .filter((offer) => /^\d+$/.test(offer.port))
    .sort((a, b) => Number(a.port) - Number(b.port) || (a.protocol < b.protocol ? -1 : 1));
}

function offerOf(key: string, published: readonly PortBinding[]): Offer {
  const [port = '', protocol = 'tcp'] = key.split('/');
  // Engines list IPv4 and IPv6 apart; the first one is the one that registrator takes.
  const binding = published.find(({ HostPort }) => HostPort !== undefined && HostPort !== '');
  const hostPort = Number(binding?.HostPort);
  const address = binding?.HostIp ?? '';
  return {
    port,
    protocol,
    hostPort: hostPort >= 1 && hostPort <= 65_535 ? hostPort : undefined,
    hostAddress: ALL.has(address) ? '' : address,
  };
}

/**
 * The address of a container on its own network: that of the network it was started with, else of the first by name; IPv4
 * before IPv6. "" when it has none of its own.
 */
export function ownAddressOf({ HostConfig, NetworkSettings }: ContainerDetails): string {
  const mode = HostConfig?.NetworkMode ?? '';
  if (NetworkSettings?.IPAddress) return NetworkSettings.IPAddress;
  const networks = Object.entries(NetworkSettings?.Networks ?? {}).sort(
    ([a], [b]) => Number(b === mode) - Number(a === mode) || (a < b ? -1 : 1),
  );
  for (const [, network] of networks) if (network?.IPAddress) return network.IPAddress;
  if (NetworkSettings?.GlobalIPv6Address) return NetworkSettings.GlobalIPv6Address;
  for (const [, network] of networks) if (network?.GlobalIPv6Address) return network.GlobalIPv6Address;
  return '';
}
