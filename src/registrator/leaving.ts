import type { ContainerDetails } from '../docker/types.ts';
import type { Clock } from '../lib/clock.ts';

/** Linux's numbers of the signals that images name as the one to be stopped with. */
const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  WINCH: 28,
  PWR: 30,
};
/** The first and the last of the signals that are counted from: SIGRTMIN+3 stops systemd. */
const REALTIME = { MIN: 34, MAX: 64 };
/** Signals that ask every program to end: SIGINT, SIGQUIT, SIGTERM; SIGKILL asks nothing. */
const ENDING: readonly number[] = [2, 3, 9, 15];
/** They ask some: SIGWINCH httpd, SIGRTMIN+3 systemd. What is not known to be told otherwise is taken for one of those. */
const MAYBE_ENDING: readonly number[] = [28, 37];
/** `docker stop` waits for 10 s unless told otherwise. Whoever still runs after this was not meant to end. */
const PATIENCE = 60_000;

/** How a container is stopped. */
interface Stop {
  readonly signals: readonly number[];
  /** How long (ms) it may take. */
  readonly patience: number;
}

const UNKNOWN: Stop = { signals: [...ENDING, ...MAYBE_ENDING], patience: PATIENCE };

/** Containers that were told to end and have not yet: they get no new connections. */
export class Leaving {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();
  #known: ReadonlyMap<string, ContainerDetails['Config']> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those that run, but for those that were told to end. */
  learn(running: readonly ContainerDetails[]): void {
    const known = new Map([...this.#known].filter(([id]) => this.#until.has(id)));
    for (const { Id, Config } of running) known.set(Id, Config);
    this.#known = known;
  }

  told(id: string, signal: string): void {
    const config = this.#known.get(id);
    const { signals, patience } = config === undefined ? UNKNOWN : stopOf(config);
    if (signals.includes(Number(signal))) this.#until.set(id, this.#clock.now() + patience);
  }

  over(id: string): void {
    this.#until.delete(id);
  }

  has(id: string): boolean {
    const until = this.#until.get(id);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(id);
    return false;
  }

  /** Milliseconds until one of them is to be looked at again; infinite when none is. */
  next(): number {
    return Math.min(...this.#until.values()) - this.#clock.now() + 1;
  }
}

/** By its image or `--stop-signal`, and `--stop-timeout`. */
function stopOf({ StopSignal: name = '', StopTimeout: seconds }: ContainerDetails['Config']): Stop {
  const own = numberOf(name);
  return {
    signals: own === undefined ? ENDING : [...ENDING, own],
    // It is killed then.
    patience: Math.max(PATIENCE, (seconds ?? 0) * 1000 + 10_000),
  };
}

/** "SIGUSR1", "USR1", "10", "SIGRTMIN+3". */
function numberOf(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const short = name.toUpperCase().replace(/^SIG/, '');
  const [, end, by = '0'] = /^RT(MIN|MAX)([+-]\d+)?$/.exec(short) ?? [];
  return end === undefined ? NUMBERS[short] : REALTIME[end as 'MIN' | 'MAX'] + Number(by);
}
