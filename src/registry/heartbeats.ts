import { messageOf } from '../errors.ts';
import type { Cancel, Schedule } from '../health/schedule.ts';
import type { Logger } from '../lib/log.ts';
import type { Keep, LocalDisk, TtlState } from './disk.ts';

/** How long a heartbeat that changed nothing may wait until the disk has it, in ms. */
const FLUSH_AFTER = 1_000;

/**
 * Keeps the state of TTL checks on disk. A change of status is kept at once; a heartbeat that only prolongs waits, and
 * goes to the disk together with all others: ten thousand checks that report every few seconds are one write a second.
 */
export class Heartbeats {
  readonly #disk: LocalDisk;
  readonly #schedule: Schedule;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, Keep>();
  #flush: Cancel | undefined;

  constructor(disk: LocalDisk, schedule: Schedule, logger: Logger) {
    this.#disk = disk;
    this.#schedule = schedule;
    this.#logger = logger;
  }

  /** Resolves once the state is durable. */
  keep(state: TtlState): Promise<void> {
    this.#waiting.delete(state.id);
    return this.#disk.write([{ table: 'ttls', id: state.id, row: state }]);
  }

  keepLater(state: TtlState): void {
    this.#waiting.set(state.id, { table: 'ttls', id: state.id, row: state });
    this.#flush ??= this.#schedule.after(FLUSH_AFTER, () => void this.flush());
  }

  /** The check is gone: nothing of it is written any more. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /** Writes what waits. Never rejects: what is lost is the prolongation by a few heartbeats. */
  async flush(): Promise<void> {
    this.#flush?.();
    this.#flush = undefined;
    const rows = [...this.#waiting.values()];
    this.#waiting.clear();
    if (rows.length === 0) return;
    try {
      await this.#disk.write(rows);
    } catch (error) {
      this.#logger.error('could not keep the state of TTL checks', { error: messageOf(error) });
    }
  }
}
