/**
 * What the system allows one process of an instance (setrlimit): by `prlimit` of util-linux, which sets its own limits and becomes the
 * program. Soft and hard limits are the same, so that nothing an instance starts can have more.
 */
import { readFileSync } from 'node:fs';

/** As many, or so many bytes, as each process may have; undefined: as Muster itself. */
export interface Limits {
  readonly openFiles?: number | undefined;
  /** Of the user that it runs as, all programs together; does not hold for root. */
  readonly processes?: number | undefined;
  /** 0: none is written. */
  readonly coreSize?: number | undefined;
  readonly addressSpace?: number | undefined;
  readonly dataSize?: number | undefined;
  readonly stackSize?: number | undefined;
  readonly fileSize?: number | undefined;
  readonly lockedMemory?: number | undefined;
  /** Of the processor, ms; then the system ends it. Counted in whole seconds. */
  readonly cpuTime?: number | undefined;
}

interface Resource {
  /** In a configuration file. */
  readonly key: string;
  /** As prlimit's flags have it. */
  readonly flag: string;
  /** As /proc/PID/limits has it. */
  readonly row: string;
}

export const RESOURCES = {
  openFiles: { key: 'open_files', flag: 'nofile', row: 'Max open files' },
  processes: { key: 'processes', flag: 'nproc', row: 'Max processes' },
  coreSize: { key: 'core_size', flag: 'core', row: 'Max core file size' },
  addressSpace: { key: 'address_space', flag: 'as', row: 'Max address space' },
  dataSize: { key: 'data_size', flag: 'data', row: 'Max data size' },
  stackSize: { key: 'stack_size', flag: 'stack', row: 'Max stack size' },
  fileSize: { key: 'file_size', flag: 'fsize', row: 'Max file size' },
  lockedMemory: { key: 'locked_memory', flag: 'memlock', row: 'Max locked memory' },
  cpuTime: { key: 'cpu_time', flag: 'cpu', row: 'Max cpu time' },
} as const satisfies Record<keyof Limits, Resource>;

/** In the units of the system. */
function entriesOf(limits: Limits): [Resource, number][] {
  return Object.entries(RESOURCES).flatMap(([name, resource]): [Resource, number][] => {
    const value = limits[name as keyof Limits];
    if (value === undefined) return [];
    return [[resource, name === 'cpuTime' ? Math.ceil(value / 1_000) : value]];
  });
}

/** The command that runs `command` with them. */
export function within(limits: Limits, command: readonly string[]): string[] {
  const flags = entriesOf(limits).map(([{ flag }, value]) => `--${flag}=${value}:${value}`);
  return flags.length === 0 ? [...command] : ['prlimit', ...flags, '--', ...command];
}

/**
 * Why they cannot be given, with what would help; undefined when they can. `own`: this program's /proc/self/limits; nobody but who
 * `mayRaise` gives more than it has.
 */
export function whyNotLimited(limits: Limits, own: string, mayRaise: boolean): string | undefined {
  if (mayRaise) return undefined;
  for (const [{ key, row }, value] of entriesOf(limits)) {
    // "Max open files            1024                 20000                files"
    const most = new RegExp(`^${row} +\\S+ +(\\S+)`, 'm').exec(own)?.[1];
    if (most === undefined || most === 'unlimited' || value <= Number(most)) continue;
    return `limits.${key} is ${value}, and Muster itself may have ${most} at most: start it with more (systemd: Limit…=, a shell: ulimit -H), or ask for less`;
  }
  return undefined;
}

/** CAP_SYS_RESOURCE. */
const RAISES = 1n << 24n;

export function ownLimits(): { own: string; mayRaise: boolean } {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return {
    own: readFileSync('/proc/self/limits', 'latin1'),
    mayRaise: (BigInt(`0x${effective}`) & RAISES) !== 0n,
  };
}
