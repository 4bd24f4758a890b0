/** Processor time of process groups, from /proc (Linux; elsewhere nothing is known). */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;

/**
 * Processor seconds by process group, of all processes alive and of what they have waited for. Undefined where there is
 * no /proc.
 */
export function cpuByGroup(): Map<number, number> | undefined {
  if (process.platform !== 'linux') return undefined;
  const seconds = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // "pid (name) state ppid pgrp …": utime, stime, cutime and cstime are the 14th to 17th field; the name may hold spaces.
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const group = Number(fields[2]);
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      seconds.set(group, (seconds.get(group) ?? 0) + ticks / TICKS);
    } catch {
      // Ended between the listing and the look.
    }
  }
  return seconds;
}
