import type { Catalog } from '../catalog/catalog.ts';
import type { Change } from '../catalog/feed.ts';
import type { Check, CheckStatus } from '../catalog/rows.ts';
import { fold, nodeKey, serviceKey } from '../catalog/tables.ts';
import type { Outcome } from '../health/kind.ts';
import { type AliasTarget, aliasOutcome } from '../health/kinds/alias.ts';
import { expiredOutput } from '../health/kinds/ttl.ts';
import { checkKind, kindOf } from '../health/kinds.ts';
import { cutOutput } from '../health/output.ts';
import { Runner } from '../health/runner.ts';
import type { Cancel, Schedule } from '../health/schedule.ts';
import type { CheckSpec } from '../health/spec.ts';
import type { Clock } from '../lib/clock.ts';
import type { TtlState } from './disk.ts';
import type { LocalCheck, LocalState } from './local.ts';

/** Shortest interval between two probes of a check, in ms: Consul's; a shorter one is raised to it. */
const MIN_INTERVAL = 1000;
/** Node's timers reach this far, some 24 days; what is longer would run out at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;
/** Shortest time after which a critical service may be taken down, in ms (Consul wants a minute). */
const MIN_DEREGISTER_AFTER = 1000;

export interface CheckerOptions {
  local: LocalState;
  catalog: Catalog;
  clock: Clock;
  schedule: Schedule;
  /** In [0, 1). */
  random: () => number;
  /** Bytes of output that are kept of a check which does not want less. */
  outputMaxSize: number;
  /** Nothing of it is kept. */
  discardOutput: boolean;
  /** A check has a result; it may be the one it had. */
  onResult: (id: string, outcome: Outcome) => void;
  /** A check was critical for as long as its definition allows. */
  onCriticalTooLong: (check: LocalCheck) => void;
}

/** Has the checks of this node carried out: probes, heartbeats, mirrors, and what follows from lasting trouble. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #runner: Runner;
  readonly #expiry = new Map<string, Cancel>();
  readonly #aliases = new Set<string>();
  readonly #reaping = new Map<string, Cancel>();
  #aliasesDue = false;

  constructor(options: CheckerOptions) {
    const { schedule, random } = options;
    const onResult: CheckerOptions['onResult'] = options.discardOutput
      ? (id, outcome) => options.onResult(id, { ...outcome, output: '' })
      : options.onResult;
    this.#options = { ...options, onResult };
    this.#runner = new Runner({ schedule, random, onResult });
  }

  /** How many checks there are of each sort, for statistics. */
  get counts(): { probed: number; ttl: number; alias: number } {
    return { probed: this.#runner.size, ttl: this.#expiry.size, alias: this.#aliases.size };
  }

  /** Begins to carry out a check; `ttl` is how long a heartbeat is still good, in ms. */
  start(check: LocalCheck, ttl = check.spec?.ttl ?? 0): void {
    this.stop(check.id);
    const { id, spec } = check;
    const name = spec === null ? undefined : kindOf(spec);
    if (spec === null || name === undefined) return;
    const kind = checkKind(name);
    if (kind.mode === 'probe')
      this.#runner.add(
        id,
        kind,
        {
          ...spec,
          interval: Math.max(spec.interval, MIN_INTERVAL),
          timeout: Math.min(spec.timeout, MAX_TIMEOUT),
        },
        { outputMaxSize: this.#outputMaxSize(spec), isPassing: check.status === 'passing' },
      );
    else if (kind.mode === 'told') this.#await(id, ttl);
    else {
      this.#aliases.add(id);
      this.changed();
    }
  }

  stop(id: string): void {
    this.#runner.remove(id);
    this.#expiry.get(id)?.();
    this.#expiry.delete(id);
    this.#aliases.delete(id);
    this.#reaping.get(id)?.();
    this.#reaping.delete(id);
  }

  stopAll(): void {
    this.#runner.stop();
    for (const id of [...this.#expiry.keys(), ...this.#reaping.keys()]) this.stop(id);
    this.#aliases.clear();
  }

  /**
   * A heartbeat: what the owner of a TTL check says of it; the check is good for its time again. Answers the state
   * that follows, or undefined when there is no such TTL check.
   */
  tell(id: string, status: CheckStatus, output: string): TtlState | undefined {
    const spec = this.#options.local.check(id)?.spec;
    if (spec === undefined || spec === null || !this.#expiry.has(id)) return undefined;
    this.#await(id, spec.ttl);
    const expires = this.#options.clock.now() + spec.ttl;
    const kept = this.#options.discardOutput ? '' : cutOutput(output, this.#outputMaxSize(spec));
    return { id, status, output: kept, expires };
  }

  /** To be told the status of a check after each result: lasting trouble counts from the first critical one. */
  observe(check: LocalCheck): void {
    const after = check.spec?.deregisterCriticalServiceAfter ?? 0;
    if (check.status !== 'critical') {
      this.#reaping.get(check.id)?.();
      this.#reaping.delete(check.id);
      return;
    }
    if (after <= 0 || check.serviceId === '' || this.#reaping.has(check.id)) return;
    const wait = Math.max(after, MIN_DEREGISTER_AFTER);
    this.#reaping.set(
      check.id,
      this.#options.schedule.after(wait, () => {
        this.#reaping.delete(check.id);
        this.#options.onCriticalTooLong(check);
      }),
    );
  }

  /** Something on this node changed: its mirrors look again, once for all changes of a tick. */
  changed(): void {
    if (this.#aliasesDue || this.#aliases.size === 0) return;
    this.#aliasesDue = true;
    queueMicrotask(() => {
      this.#aliasesDue = false;
      for (const id of this.#aliases) this.#mirror(id);
    });
  }

  /** The catalog changed: mirrors of other nodes look again. */
  catalogChanged(changes: readonly Change[]): void {
    if (this.#aliases.size === 0) return;
    if (changes.some(({ table }) => table === 'checks' || table === 'services' || table === 'nodes'))
      this.changed();
  }

  #outputMaxSize(spec: CheckSpec): number {
    const { outputMaxSize } = this.#options;
    return spec.outputMaxSize > 0 ? Math.min(spec.outputMaxSize, outputMaxSize) : outputMaxSize;
  }

  #await(id: string, ttl: number): void {
    this.#expiry.get(id)?.();
    this.#expiry.set(
      id,
      this.#options.schedule.after(ttl, () => {
        const last = this.#options.local.check(id)?.output ?? '';
        this.#options.onResult(id, { status: 'critical', output: expiredOutput(last) });
      }),
    );
  }

  #mirror(id: string): void {
    const check = this.#options.local.check(id);
    if (check === undefined || check.spec === null) return;
    const { status, output } = aliasOutcome(this.#targetOf(check.spec, id));
    // Mirrors that mirror each other quote each other: the cut is what ends that.
    this.#options.onResult(id, { status, output: cutOutput(output, this.#outputMaxSize(check.spec)) });
  }

  #targetOf({ aliasNode: node, aliasService: service }: CheckSpec, self: string): AliasTarget {
    const { local, catalog } = this.#options;
    const others = (rows: readonly Pick<Check, 'id' | 'name' | 'status' | 'output'>[]) =>
      rows.filter(({ id }) => id !== self);
    if (node === '') {
      const checks = others([...local.checksOf(''), ...local.checksOf(service)]);
      return { node, service, checks, exists: local.service(service) !== undefined };
    }
    const at = fold(node);
    const checks = catalog
      .list('checks', 'node', at)
      .filter(({ serviceId }) => serviceId === '' || serviceId === service);
    const exists =
      service === ''
        ? catalog.get('nodes', nodeKey(node)) !== undefined
        : catalog.get('services', serviceKey(node, service)) !== undefined;
    return { node, service, checks: others(checks), exists };
  }
}
