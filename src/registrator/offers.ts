import type { ContainerDetails, NetworkEndpoint, PortBinding } from '../docker/types.ts';
import { isAny } from '../lib/ip.ts';

/** A port that a container has, and where it can be reached. */
export interface Offer {
  /** Inside the container, as text: it is part of names. */
  readonly port: string;
  /** "tcp", "udp", "sctp". */
  readonly protocol: string;
  /** On the host; undefined when it is not published there. */
  readonly hostPort: number | undefined;
  /** Whether the container's network publishes nothing, since the container is reached under its own address (macvlan). */
  readonly direct: boolean;
  /** The host's address it is published on; "" for all of them. */
  readonly hostAddress: string;
}

/** Modes of the network that every engine makes: a bridge, which publishes. */
const BRIDGE = new Set(['', 'default', 'bridge']);

/**
 * The ports of a container in the order of their numbers. On the host's own network, and on that of another container, every
 * exposed port counts as published under its own number. A container without a network offers none, unless it `isReached` at
 * an address that somebody else gave it.
 */
export function offersOf(details: ContainerDetails, isReached = false): Offer[] {
  const { Config, HostConfig, NetworkSettings } = details;
  const mode = HostConfig?.NetworkMode ?? '';
  if (mode === 'none' && !isReached) return [];
  const bindings = new Map<string, readonly PortBinding[]>();
  const sharesNetwork = mode === 'none' || mode === 'host' || mode.startsWith('container:');
  // `-p` on the host's network publishes nothing, but is meant.
  const declared = { ...Config.ExposedPorts, ...(sharesNetwork ? HostConfig?.PortBindings : {}) };
  for (const key of Object.keys(declared))
    bindings.set(key, sharesNetwork ? [{ HostPort: key.split('/')[0] as string }] : []);
  const ports = NetworkSettings?.Ports ?? {};
  for (const [key, published] of Object.entries(ports)) bindings.set(key, published ?? []);
  // What a network could publish stands among the ports, published or not.
  const ownAddress = sharesNetwork || BRIDGE.has(mode) ? '' : ownAddressOf(details, []);
  return [...bindings]
    .map(([key, published]) => offerOf(key, published, ownAddress !== '' && !Object.hasOwn(ports, key)))
    .filter((offer) => /^\d+$/.test(offer.port))
    .sort((a, b) => Number(a.port) - Number(b.port) || (a.protocol < b.protocol ? -1 : 1));
}

function offerOf(key: string, published: readonly PortBinding[], direct: boolean): Offer {
  const [port = '', protocol = 'tcp'] = key.split('/');
  // Engines list IPv4 and IPv6 apart; the first one is the one that registrator takes.
  const binding = published.find(({ HostPort }) => HostPort !== undefined && HostPort !== '');
  const hostPort = Number(binding?.HostPort);
  const address = binding?.HostIp ?? '';
  return {
    port,
    protocol,
    hostPort: hostPort >= 1 && hostPort <= 65_535 ? hostPort : undefined,
    direct,
    hostAddress: isAny(address) ? '' : address,
  };
}

/** Networks of a swarm that carry what is published, and that no other container is reached by. */
const OF_SWARM = new Set(['ingress', 'docker_gwbridge']);

/**
 * The address of a container on its own network: that of the first of `preferred` that it is on, else of the network it was
 * started with, else of the first by name, a swarm's own ones last; IPv4 before IPv6. "" when it has none of its own.
 */
export function ownAddressOf(
  { HostConfig, NetworkSettings }: ContainerDetails,
  preferred: readonly string[],
): string {
  const mode = HostConfig?.NetworkMode ?? '';
  const networks = Object.entries(NetworkSettings?.Networks ?? {});
  for (const name of preferred) {
    const chosen = addressOf([networks.find(([one]) => one === name)?.[1] ?? null]);
    if (chosen !== '') return chosen;
  }
  // Of the engine's bridge, in a place that new engines no longer fill.
  const onBridge: NetworkEndpoint = NetworkSettings ?? {};
  const rank = ([name, network]: (typeof networks)[number]) => {
    if (BRIDGE.has(mode) ? name === 'bridge' : isNamed(mode, name, network)) return 0;
    return OF_SWARM.has(name) ? 2 : 1;
  };
  const others = networks.sort((a, b) => rank(a) - rank(b) || (a[0] < b[0] ? -1 : 1)).map(([, one]) => one);
  return addressOf([onBridge, ...others]);
}

function isNamed(mode: string, name: string, network: NetworkEndpoint | null): boolean {
  return name === mode || network?.NetworkID === mode;
}

function addressOf(networks: readonly (NetworkEndpoint | null)[]): string {
  for (const network of networks) if (network?.IPAddress) return network.IPAddress;
  for (const network of networks) if (network?.GlobalIPv6Address) return network.GlobalIPv6Address;
  return '';
}
