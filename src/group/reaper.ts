/**
 * No orphans, even when Muster itself is killed with SIGKILL: a small shell waits at the end of a pipe that Muster
 * holds open. It is told which process groups live, and their cgroups; when the pipe breaks it ends those that are left, first with
 * SIGTERM, five seconds later with SIGKILL, then what had left them. An instance needs to know nothing about it. One shell serves all
 * groups of the process. (Between the start of an instance and the line that reports it lie some microseconds; a
 * kill in just that moment leaves that instance alone.)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Of each instance it knows a line: number, space, path of its cgroup. */
const SCRIPT = `
trap '' HUP INT TERM
set -f
IFS='
'
live=
while IFS=' ' read -r verb pid cgroup; do
  rest=
  for one in $live; do [ "\${one%% *}" = "$pid" ] || rest="$rest$one$IFS"; done
  live=$rest
  [ "$verb" = + ] && live="$live$pid $cgroup$IFS"
done
[ -z "$live" ] && exit 0
all=$live
for one in $live; do kill -TERM "-\${one%% *}" 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  rest=
  for one in $live; do kill -0 "-\${one%% *}" 2>/dev/null && rest="$rest$one$IFS"; done
  live=$rest
  [ -z "$live" ] && break
  sleep 0.2
done
for one in $live; do kill -KILL "-\${one%% *}" 2>/dev/null; done
for one in $all; do
  cgroup=\${one#* }
  [ -n "$cgroup" ] || continue
  # Linux 5.14 and later; before, those that are there.
  { echo 1 >"$cgroup/cgroup.kill" || kill -KILL $(cat "$cgroup/cgroup.procs"); } 2>/dev/null
done
for one in $all; do
  cgroup=\${one#* }
  for i in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$cgroup" ] && [ -d "$cgroup" ] || break
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$cgroup" ] && sleep 0.1
  done
done
`;

export interface Reaper {
  /** Has the shell there before an instance is started, so that nothing lies between its start and its report. */
  prepare(): void;
  /** `cgroup`: path of its directory. */
  add(pid: number, cgroup?: string): void;
  remove(pid: number): void;
}

class ShellReaper implements Reaper {
  /** Lines to be told, by process. */
  #live = new Map<number, string>();
  #shell: ChildProcess | undefined;

  prepare(): void {
    if (this.#shell === undefined) this.#start();
  }

  add(pid: number, cgroup = ''): void {
    this.prepare();
    const line = `+ ${pid} ${cgroup}\n`;
    this.#live.set(pid, line);
    this.#tell(line);
  }

  remove(pid: number): void {
    if (!this.#live.delete(pid)) return;
    this.#tell(`- ${pid}\n`);
    if (this.#live.size > 0) return;
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#shell = shell;
    // Without a shell Muster works all the same, only without this safety.
    shell.on('error', () => {});
    shell.stdin.on('error', () => {});
    shell.unref();
    (shell.stdin as Socket).unref();
    shell.once('exit', () => {
      if (this.#shell !== shell) return;
      this.#shell = undefined;
      if (this.#live.size > 0 && shell.pid !== undefined) this.#start();
    });
    for (const line of this.#live.values()) this.#tell(line);
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(line);
  }
}

let shared: ShellReaper | undefined;

export function reaper(): Reaper {
  shared ??= new ShellReaper();
  return shared;
}
