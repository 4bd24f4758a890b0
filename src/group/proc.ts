/** What /proc tells of processes. Linux; elsewhere nothing is known. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;

export interface ProcessStat {
  /** "R", "S", …; "Z" and "X" have ended. */
  readonly state: string;
  /** The process group that it is in. */
  readonly group: number;
  /** When it began, in ticks since the machine did. */
  readonly began: number;
  /** Processor seconds, with those of the children that it has waited for. */
  readonly cpu: number;
}

/** Which process it is: its number alone may be another program's by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As in `ProcessStat`. */
  readonly began: number;
  /** A new one whenever the machine starts. */
  readonly boot: string;
}

/** Undefined when there is none with this number. */
export function statOf(pid: number): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // "pid (name) state ppid pgrp …"; the name may hold spaces and brackets. The state is the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return {
    state: fields[0] ?? '',
    group: Number(fields[2]),
    began: Number(fields[19]),
    cpu: ticks / TICKS,
  };
}

/** Of all processes that can be seen. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
  } catch {
    return [];
  }
}

/** Whether a process was started with this variable. False for those of others, whose environment is not ours to read. */
export function wasStartedWith(pid: number, name: string, value: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`.includes(`\0${name}=${value}\0`);
  } catch {
    return false;
  }
}

/** Undefined when it has ended, and where there is no /proc. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat === undefined || hasEnded(stat) ? undefined : { pid, began: stat.began, boot: bootId() };
}

/** Whether just this process still runs. */
export function isAlive({ pid, began, boot }: ProcessIdentity): boolean {
  if (boot !== bootId()) return false;
  const stat = statOf(pid);
  return stat !== undefined && stat.began === began && !hasEnded(stat);
}

/** Ended processes that nobody has collected yet (in a container without an init that is for ever) are still listed. */
export function hasEnded({ state }: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

let boot: string | undefined;

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
