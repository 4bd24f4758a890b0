/** What is done to an instance. */
export interface Victim {
  readonly group: string;
  readonly instance: string;
  /** Leader of its process group. */
  readonly pid: number;
}

export interface Fault {
  /** "backend-2 …" */
  readonly words: string;
  /** It lasts for a time that the plan says; else it is done when it has begun. */
  readonly lasts: boolean;
  /** Why it cannot be done on this machine; undefined when it can. */
  impossible?(): Promise<string | undefined>;
  /** Does it; the answer undoes it. An instance that is gone already is no error. */
  begin(victim: Victim): Promise<() => Promise<void>>;
}

export const nothing = async (): Promise<void> => {};

/** A signal to a whole process group; false when nobody is left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
