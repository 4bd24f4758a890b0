/** A process with everything that it started: its process group. */
import { hasEnded, isAlive, type ProcessIdentity, processIds, statOf, wasStartedWith } from './proc.ts';
import { INSTANCE_ID } from './variables.ts';

export interface Family {
  signal(signal: NodeJS.Signals): void;
  /** Whether anything of it still runs. */
  lives(): boolean;
}

/** Of a process that this program started and has not yet taken leave of: its number is nobody else's. */
export function ownFamily(pid: number): Family {
  return {
    signal(signal) {
      signalTo(-pid, signal);
    },
    lives() {
      if (!signalTo(-pid, 0)) return false;
      return process.platform !== 'linux' || membersOf(pid).length > 0;
    },
  };
}

/**
 * Of a process that an earlier run of Muster started. Its number may have been given to another program since it ended,
 * so each process is looked at before it is touched: it is the leader that was known, or it was started as this instance.
 */
export function adoptedFamily(leader: ProcessIdentity, id: string): Family {
  const members = (): number[] => membersOf(leader.pid).filter((pid) => wasStartedWith(pid, INSTANCE_ID, id));
  return {
    signal(signal) {
      if (isAlive(leader)) signalTo(-leader.pid, signal);
      else for (const pid of members()) signalTo(pid, signal);
    },
    lives: () => isAlive(leader) || members().length > 0,
  };
}

/** All processes of a group. */
export function membersOf(group: number): number[] {
  return processIds().filter((pid) => {
    const stat = statOf(pid);
    return stat !== undefined && stat.group === group && !hasEnded(stat);
  });
}

/** 0 only asks. False when there is nobody. */
function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
