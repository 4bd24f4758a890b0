import { fabioCommands } from '../../api/admin/fabio.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Router } from '../../route/router.ts';

/** Changes that come together are one entry: telling all routes of a large table takes a tenth of a second. */
const GATHER = 100;

/** Logs the routes, as commands, when they change: what came and went, or all of them. */
export class RouteLog {
  readonly #format: 'delta' | 'detail' | 'all';
  readonly #clock: Clock;
  readonly #log: Logger;
  #known = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(format: 'delta' | 'detail' | 'all', clock: Clock, log: Logger) {
    this.#format = format;
    this.#clock = clock;
    this.#log = log;
  }

  /** The routes changed. */
  changed(router: Router): void {
    this.#cancel ??= this.#clock.after(GATHER, () => this.#tell(router));
  }

  stop(): void {
    this.#cancel?.();
  }

  #tell(router: Router): void {
    this.#cancel = undefined;
    const lines = fabioCommands(router.routes())
      .split('\n')
      .filter((line) => line !== '');
    const now = new Set(lines);
    const shown =
      this.#format === 'delta'
        ? [
            ...lines.filter((line) => !this.#known.has(line)).map((line) => `+ ${line}`),
            ...[...this.#known].filter((line) => !now.has(line)).map((line) => `- ${line}`),
          ]
        : lines;
    this.#known = now;
    for (const line of shown) this.#log.info(line);
  }
}
