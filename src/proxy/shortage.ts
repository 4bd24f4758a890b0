/** What the machine or the settings do not give us: told once, then counted, so that trouble never floods the log. */

/** What there is not enough of. */
export type Lack = 'files' | 'memory' | 'connections' | 'ports';

export interface ShortageReport {
  readonly lack: Lack;
  /** Connections that were refused or could not be opened since the last report of this lack. */
  readonly count: number;
}

/** Least time between two reports of the same lack (ms). */
const QUIET = 60_000;

/** Error codes of a connect or an accept that failed on our side: they say nothing about the other one. */
const OURS: Readonly<Record<string, Lack>> = {
  EMFILE: 'files',
  ENFILE: 'files',
  ENOBUFS: 'memory',
  ENOMEM: 'memory',
  EADDRNOTAVAIL: 'ports',
};

/** What a failed connect or accept lacked, undefined when the other side is to blame. */
export function lackOf(code: string | undefined): Lack | undefined {
  return code === undefined ? undefined : OURS[code];
}

export class Shortage {
  readonly #tell: (report: ShortageReport) => void;
  readonly #now: () => number;
  readonly #lacks = new Map<Lack, { told: number; count: number }>();

  /** `now`: monotonic milliseconds. */
  constructor(tell: (report: ShortageReport) => void, now: () => number) {
    this.#tell = tell;
    this.#now = now;
  }

  /** One connection was refused or could not be opened. */
  note(lack: Lack): void {
    const now = this.#now();
    const known = this.#lacks.get(lack) ?? { told: Number.NEGATIVE_INFINITY, count: 0 };
    this.#lacks.set(lack, known);
    known.count++;
    if (now - known.told < QUIET) return;
    this.#tell({ lack, count: known.count });
    known.told = now;
    known.count = 0;
  }
}

/** A report in words. */
export function describeShortage({ lack, count }: ShortageReport): string {
  switch (lack) {
    case 'files':
      return `no file descriptors left for ${count} connection(s), which were refused; raise the limit of open files (ulimit -n) or lower max_connections`;
    case 'memory':
      return `the system has no memory left for ${count} connection(s), which were refused or wait; give it more, or lower max_connections`;
    case 'connections':
      return `${count} connection(s) refused: as many are open as max_connections allows`;
    case 'ports':
      return `no local ports left for ${count} connection(s) to instances; widen net.ipv4.ip_local_port_range or raise max_idle_per_target`;
  }
}
