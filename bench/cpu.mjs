// @ts-check
// Processor time, memory and listeners, read from /proc.
import { readFileSync } from 'node:fs';

/** The kernel counts in ticks of this many microseconds (USER_HZ is 100 on every Linux that Node runs on). */
const TICK_US = 10_000;

/** User + system time of processes so far, all their threads included, in microseconds. @param {readonly number[]} pids */
export function cpuTime(pids) {
  let ticks = 0;
  for (const pid of pids) {
    // The name in brackets may hold spaces; what follows is counted from behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_US;
}

/** Memory of a process: resident now and at most so far, and what of the former is pages of files, in MB. @param {number} pid */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const mb = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { rss: mb('VmRSS'), peak: mb('VmHWM'), files: mb('RssFile') };
}

/** How many sockets listen on a TCP port. With SO_REUSEPORT a forgotten process would share the traffic silently. @param {number} port */
export function listenersOn(port) {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((path) => readFileSync(path, 'latin1').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${wanted}`)).length;
}

/** Time that a core was not idle so far, in microseconds. @param {string} core */
export function busyTime(core) {
  const line = readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .find((one) => one.startsWith(`cpu${core} `));
  // user, nice, system, idle, iowait, irq, softirq, steal
  const ticks = (line ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return (ticks.reduce((sum, one) => sum + one, 0) - idle) * TICK_US;
}
