/** The values of all dependencies of all templates: each is followed once, however many need it. */
import type { Dependency } from './dependencies/dependency.ts';
import type { Value } from './language/index.ts';
import type { Source } from './sources/source.ts';

export interface KnownEvents {
  /** A value became known, or another one. */
  changed(id: string): void;
  /** `attempts` failed in a row; the next one is in `delay` ms. */
  trouble(id: string, error: unknown, attempts: number, delay: number): void;
  /** What was in trouble is well again. */
  mended(id: string): void;
  /** It is known that there is no value. */
  absent(id: string): void;
}

interface Followed {
  readonly stop: () => void;
  value: Value | undefined;
  failures: number;
}

export class Known {
  readonly #source: Source;
  readonly #events: KnownEvents;
  readonly #followed = new Map<string, Followed>();

  constructor(source: Source, events: KnownEvents) {
    this.#source = source;
    this.#events = events;
  }

  /** Undefined while it is not known. */
  valueOf(id: string): Value | undefined {
    return this.#followed.get(id)?.value;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** Starts to follow a dependency, unless it is followed already. */
  follow(dependency: Dependency): void {
    const { id } = dependency;
    if (this.#followed.has(id)) return;
    let stop = (): void => {};
    const followed: Followed = { stop: () => stop(), value: undefined, failures: 0 };
    this.#followed.set(id, followed);
    const answered = (): void => {
      if (followed.failures > 0) this.#events.mended(id);
      followed.failures = 0;
    };
    stop = this.#source.follow(dependency, {
      value: (value) => {
        followed.value = value;
        answered();
        this.#events.changed(id);
      },
      absent: () => {
        answered();
        this.#events.absent(id);
      },
      trouble: (error, delay) => this.#events.trouble(id, error, ++followed.failures, delay),
    });
  }

  /** Stops following what is not among `needed`. */
  keepOnly(needed: ReadonlySet<string>): void {
    for (const [id, { stop }] of this.#followed)
      if (!needed.has(id)) {
        stop();
        this.#followed.delete(id);
      }
  }

  stop(): void {
    this.keepOnly(new Set());
  }
}
