/**
 * A cgroup (version 2) for each instance, where this program may make some: as root, or where systemd delegates
 * (`Delegate=yes`). It holds whatever an instance starts, also what leaves its process group, and counts its processor
 * time. No controller is switched on, so nothing is limited and nothing about the other programs of the machine changes.
 */
import { type Dirent, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Directories of instances begin so, below the cgroup of this program. */
const PREFIX = 'muster-';

/** Another Muster that starts just now may have taken it for one that was left. */
const MOVE_IN =
  '{ echo 0 >"$0/cgroup.procs" || { mkdir "$0" && echo 0 >"$0/cgroup.procs"; }; } 2>/dev/null; exec "$@"';

export class Cgroup {
  /** Of its directory. */
  readonly path: string;

  constructor(directory: string) {
    this.path = directory;
  }

  /** The command that runs `command` in it: it moves itself in first, so that nothing it starts is ever outside. */
  within(command: readonly string[]): string[] {
    return ['/bin/sh', '-c', MOVE_IN, this.path, ...command];
  }

  /** Whether anything runs in it, or below it. */
  get isPopulated(): boolean {
    return /^populated 1$/m.test(read(path.join(this.path, 'cgroup.events')) ?? '');
  }

  /** Numbers of the processes in it. */
  processes(): number[] {
    return (read(path.join(this.path, 'cgroup.procs')) ?? '').split('\n').filter(Boolean).map(Number);
  }

  cpuSeconds(): number | undefined {
    const usec = /^usage_usec (\d+)$/m.exec(read(path.join(this.path, 'cpu.stat')) ?? '')?.[1];
    return usec === undefined ? undefined : Number(usec) / 1e6;
  }

  /** Kills all that is in it. */
  kill(): void {
    // Linux 5.14 and later; before, one by one, as long as there are new ones.
    if (written(path.join(this.path, 'cgroup.kill'), '1')) return;
    for (let round = 0; round < 10; round++) {
      const left = this.processes();
      if (left.length === 0) return;
      for (const pid of left) killQuietly(pid);
    }
  }

  /** False as long as something is in it. */
  remove(): boolean {
    try {
      // Of instances of an instance that is a Muster, too.
      for (const { name } of directoriesIn(this.path)) new Cgroup(path.join(this.path, name)).remove();
      rmdirSync(this.path);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }
}

/** Undefined where none may be made. */
export function makeCgroup(instance: string): Cgroup | undefined {
  const own = ownDirectory();
  if (own === undefined) return undefined;
  const directory = path.join(own, PREFIX + instance);
  try {
    mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return undefined;
  }
  return new Cgroup(directory);
}

/** Those of instances that have ended while nobody was there to remove them. */
export function removeLeftCgroups(): void {
  const own = ownDirectory();
  if (own === undefined) return;
  for (const { name } of directoriesIn(own)) {
    const cgroup = new Cgroup(path.join(own, name));
    if (name.startsWith(PREFIX) && !cgroup.isPopulated) cgroup.remove();
  }
}

function directoriesIn(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((one) => one.isDirectory());
  } catch {
    return [];
  }
}

/** Of a container, whichever way its engine names it. */
const CONTAINER = /[0-9a-f]{64}/;

/** The one that a process is in, when it holds this instance, or a container, and nothing else. */
export function cgroupOf(pid: number, instance: string): Cgroup | undefined {
  const mount = mountPoint();
  const name = mount === undefined ? undefined : nameOf(pid);
  if (mount === undefined || name === undefined) return undefined;
  const last = path.basename(name);
  return last === PREFIX + instance || CONTAINER.test(last) ? new Cgroup(path.join(mount, name)) : undefined;
}

function ownDirectory(): string | undefined {
  const [mount, name] = [mountPoint(), nameOf('self')];
  return mount === undefined || name === undefined ? undefined : path.join(mount, name);
}

/** Path below the mount point; undefined when it has ended. */
function nameOf(pid: number | 'self'): string | undefined {
  return /^0::(.*)$/m.exec(read(`/proc/${pid}/cgroup`) ?? '')?.[1];
}

let mounted: { at: string | undefined } | undefined;

function mountPoint(): string | undefined {
  // "device path type options": spaces in the path are escaped.
  mounted ??= { at: /^\S+ (\S+) cgroup2 /m.exec(read('/proc/self/mounts') ?? '')?.[1] };
  return mounted.at;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function written(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    return false;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended in the meantime.
  }
}
