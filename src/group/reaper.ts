/**
 * No orphans, even when Muster itself is killed with SIGKILL: a small shell waits at the end of a pipe that Muster
 * holds open. It is told which process groups live; when the pipe breaks it ends those that are left, first with
 * SIGTERM, five seconds later with SIGKILL. An instance needs to know nothing about it. One shell serves all
 * groups of the process. (Between the start of an instance and the line that reports it lie some microseconds; a
 * kill in just that moment leaves that instance alone.)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const SCRIPT = `
trap '' HUP INT TERM
live=
while read -r verb pid; do
  rest=
  for p in $live; do [ "$p" = "$pid" ] || rest="$rest $p"; done
  live=$rest
  [ "$verb" = + ] && live="$live $pid"
done
[ -z "$live" ] && exit 0
for p in $live; do kill -TERM "-$p" 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  rest=
  for p in $live; do kill -0 "-$p" 2>/dev/null && rest="$rest $p"; done
  live=$rest
  [ -z "$live" ] && exit 0
  sleep 0.2
done
for p in $live; do kill -KILL "-$p" 2>/dev/null; done
`;

export interface Reaper {
  /** Has the shell there before an instance is started, so that nothing lies between its start and its report. */
  prepare(): void;
  add(pid: number): void;
  remove(pid: number): void;
}

class ShellReaper implements Reaper {
  #live = new Set<number>();
  #shell: ChildProcess | undefined;

  prepare(): void {
    if (this.#shell === undefined) this.#start();
  }

  add(pid: number): void {
    this.prepare();
    this.#live.add(pid);
    this.#tell(`+ ${pid}\n`);
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
    for (const pid of this.#live) this.#tell(`+ ${pid}\n`);
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
