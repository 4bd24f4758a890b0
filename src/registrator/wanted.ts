import type { CheckDefinition, CheckState } from '../client/types.ts';

/** A service that a container offers, as it is to be registered. */
export interface WantedService {
  readonly id: string;
  readonly name: string;
  /** "" for the address of the node. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Others may change the tags in the catalog (Consul's `EnableTagOverride`). */
  readonly tagOverride: boolean;
  readonly check: CheckDefinition | undefined;
  /** What its check, a TTL check then, is told: the engine's own verdict. */
  readonly verdict: Verdict | undefined;
  /** Whose it is, for messages. */
  readonly container: ContainerName;
}

export interface Verdict {
  readonly status: CheckState;
  readonly output: string;
}

export interface ContainerName {
  readonly id: string;
  /** Without the slash in front. */
  readonly name: string;
}

/** Something in a container's settings that cannot be used. The rest of it is. */
export interface Problem {
  readonly container: ContainerName;
  /** As it stands in the container: "SERVICE_80_CHECK_INTERVAL". */
  readonly variable: string;
  readonly message: string;
}

/** The shape of IDs that are not set by `SERVICE_ID`: host, container's name, port, and "udp". */
const ID = /^(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?$/;

/** Host and container's name in an ID of registrator's shape. */
export function partsOfId(id: string): { host: string; container: string } | undefined {
  const [, host, container] = ID.exec(id) ?? [];
  return host === undefined || container === undefined ? undefined : { host, container };
}
