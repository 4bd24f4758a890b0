import os from 'node:os';
import type { LogLine } from '../lib/log.ts';
import type { InstanceView } from './instance.ts';
import type { ManagedSpec, Update } from './spec.ts';
import type { Health, Surroundings, Traffic } from './surroundings.ts';

export const UPDATE: Update = {
  maxSurge: 1,
  maxUnavailable: 0,
  minReady: 0,
  canary: 0,
  rollback: { worse: 0.05, requests: 50, deadline: 60_000 },
};

/** Two shells that sleep. */
export const SPEC: ManagedSpec = {
  name: 'g',
  driver: 'process',
  replicas: 2,
  command: ['/bin/sh', '-c', 'exec sleep 60'],
  cwd: os.tmpdir(),
  env: {},
  ports: ['http'],
  portRange: { first: 27_000, last: 27_499 },
  stopTimeout: 2000,
  restart: { base: 10, max: 20, resetAfter: 60_000 },
  service: 'g',
  drainTimeout: 5000,
  update: UPDATE,
};

/** A registry and a balancer as a group sees them; what they say is what the test says. */
export class World implements Surroundings {
  readonly healths = new Map<string, Health>();
  readonly traffics = new Map<string, Traffic>();
  readonly calls: string[] = [];
  /** By ports what was registered and forgotten. */
  readonly places: string[] = [];
  readonly lines: LogLine[] = [];
  #listeners = new Set<() => void>();

  health = ({ id }: InstanceView) => this.healths.get(id) ?? this.byDefault;
  byDefault: Health | undefined = 'passing';
  traffic = ({ id }: InstanceView) => this.traffics.get(id);
  keyValue = () => undefined;
  meta = () => undefined;
  async register({ name, port }: InstanceView) {
    this.calls.push(`register ${name}`);
    this.places.push(`register ${port}`);
  }
  async withdraw({ name }: InstanceView) {
    this.calls.push(`withdraw ${name}`);
  }
  async forget({ name, port }: InstanceView) {
    this.calls.push(`forget ${name}`);
    this.places.push(`forget ${port}`);
  }
  subscribe(listener: () => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  tell() {
    for (const listener of this.#listeners) listener();
  }
}
