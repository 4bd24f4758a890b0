/** What an instance can be. A further kind is one file and one line here. */
import { processDriver } from './process.ts';

/** How an instance ended. */
export interface Ending {
  /** Exit code, when it ended by itself. */
  code: number | null;
  /** The signal that ended it. */
  signal: string | null;
  /** Why it could not even be started. */
  error?: string;
}

export interface Launch {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  output(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

export interface Running {
  readonly pid: number | undefined;
  /** Resolves when the instance and everything it started is gone. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Asks it to end; what is left after `timeout` ms is killed. Resolves with `ended`. */
  stop(timeout: number): Promise<void>;
  /** Kills it and everything it started, now. */
  kill(): void;
}

/** Starts an instance. Never throws: what cannot be started has `ended` at once, with `error`. */
export type Driver = (launch: Launch) => Running;

export const DRIVERS = {
  process: processDriver,
} as const satisfies Record<string, Driver>;

export type DriverKind = keyof typeof DRIVERS;
