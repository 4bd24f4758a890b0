/** Processor time of instances. Linux; elsewhere nothing is known. */
import { cgroupOf } from './cgroup.ts';
import { processIds, statOf } from './proc.ts';

/** Answers the processor seconds of an instance by its id and the pid of its first process; undefined: not known. */
export type CpuReader = (id: string, pid: number) => number | undefined;

/**
 * Of this moment. An instance in a cgroup of its own is counted with everything it ever started; others by their process
 * group: what is alive, and what was waited for.
 */
export function cpuReader(): CpuReader {
  let byGroup: ReadonlyMap<number, number> | undefined;
  return (id, pid) => {
    const inCgroup = cgroupOf(pid, id)?.cpuSeconds();
    if (inCgroup !== undefined) return inCgroup;
    byGroup ??= secondsByGroup();
    return byGroup.get(pid);
  };
}

function secondsByGroup(): Map<number, number> {
  const seconds = new Map<number, number>();
  for (const pid of processIds()) {
    const stat = statOf(pid);
    if (stat !== undefined) seconds.set(stat.group, (seconds.get(stat.group) ?? 0) + stat.cpu);
  }
  return seconds;
}
