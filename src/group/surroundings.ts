/** What a group needs of the agent it runs in: the registry, the balancer's figures. */
import type { InstanceView } from './instance.ts';

/** `maintenance`: somebody wants it to get no traffic; nothing is wrong with it. */
export type Health = 'passing' | 'warning' | 'critical' | 'maintenance';

/** What the balancer counted of one instance, since it began. */
export interface Traffic {
  readonly requests: number;
  readonly errors: number;
  /** At this moment. */
  readonly inFlight: number;
  /** Milliseconds that requests waited in all until an instance had room, of those that this one then got. */
  readonly waited?: number | undefined;
  /** At this moment; of instances of TCP and UDP services. */
  readonly connections?: number | undefined;
}

export interface Surroundings {
  /** How old `traffic` may be, ms, where it is told by other nodes; undefined: it is of this moment. */
  readonly hearsay?: number;
  /** What the checks of the instance say; undefined: it is not registered. */
  health(instance: InstanceView): Health | undefined;
  /** Undefined when no route leads to it. */
  traffic(instance: InstanceView): Traffic | undefined;
  /** The number under a key of the key/value store; undefined: there is none. */
  keyValue(key: string): number | undefined;
  /** The number in the metadata of the instance's service; undefined: there is none. */
  meta(instance: InstanceView, name: string): number | undefined;
  /** Registers it, when the group says how and it is not so already; otherwise its program does so itself. */
  register(instance: InstanceView): Promise<void>;
  /** It gets no new requests from now on. */
  withdraw(instance: InstanceView): Promise<void>;
  /** It is gone: nothing of it stays registered. */
  forget(instance: InstanceView): Promise<void>;
  /** Calls when the health of instances may have changed; the answer ends it. */
  subscribe(listener: () => void): () => void;
}

/** What several counted together; undefined when nobody did. */
export function sumOf(counted: readonly Traffic[]): Traffic | undefined {
  if (counted.length === 0) return undefined;
  const sum = (field: keyof Traffic) => counted.reduce((total, one) => total + (one[field] ?? 0), 0);
  const has = (field: keyof Traffic) => counted.some((one) => one[field] !== undefined);
  return {
    requests: sum('requests'),
    errors: sum('errors'),
    inFlight: sum('inFlight'),
    ...(has('waited') ? { waited: sum('waited') } : {}),
    ...(has('connections') ? { connections: sum('connections') } : {}),
  };
}
