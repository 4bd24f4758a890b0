/**
 * An instance as a process on this machine. It leads a process group (and session) of its own, so that a signal
 * to the group reaches everything it started, and Ctrl-C in the terminal reaches only Muster, which then stops the
 * instances in order.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Ending, Launch, Running } from './drivers.ts';
import { reaper } from './reaper.ts';

/** How often it is looked whether the rest of a group is gone once its leader is, in ms. */
const LINGER_POLL = 25;

/** How long the last output may take to arrive once the group is gone, in ms; only a process that left the group still holds the pipe then. */
const LAST_OUTPUT = 250;

export function processDriver({ command, cwd, env, output }: Launch): Running {
  const [program = '', ...args] = command;
  reaper().prepare();
  const child = spawn(program, args, {
    cwd,
    env: { ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => output('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => output('stderr', chunk));
  const { pid } = child;
  if (pid !== undefined) reaper().add(pid);

  let killAt = 0;
  let killed = false;
  const leader = new Promise<Ending>((resolve) => {
    child.once('error', (error) => {
      if (pid === undefined) resolve({ code: null, signal: null, error: whyNotStarted(error, program, cwd) });
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const ended = leader.then(async (ending) => {
    if (pid === undefined) return ending;
    // What the leader left behind may finish while a stop is under way; after a crash it would only hold the port.
    while (Date.now() < killAt && groupLives(pid)) await pause(LINGER_POLL);
    signalGroup(pid, 'SIGKILL');
    await Promise.race([closed, pause(LAST_OUTPUT)]);
    reaper().remove(pid);
    return ending;
  });

  const kill = (): void => {
    killAt = 0;
    killed = true;
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  };
  return {
    pid,
    ended,
    kill,
    async stop(timeout) {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        await ended;
        return;
      }
      if (!killed) killAt = Date.now() + timeout;
      signalGroup(pid, 'SIGTERM');
      const timer = setTimeout(kill, timeout);
      await ended;
      clearTimeout(timer);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends a signal to a process group; 0 only asks. False when the group is gone. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether anything of a group still runs. Ended processes that nobody has collected yet (in a container without an
 * init that is for ever) answer signals all the same, so on Linux their state decides.
 */
function groupLives(pid: number): boolean {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // "pid (name) state ppid pgrp …"; the name may hold spaces and brackets.
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(group) === pid && state !== 'Z' && state !== 'X') return true;
    } catch {
      // Ended between the listing and the look.
    }
  }
  return false;
}

function whyNotStarted(error: NodeJS.ErrnoException, program: string, cwd: string): string {
  if (!fs.existsSync(cwd)) return `the directory ${cwd} does not exist`;
  const file = program.includes('/') ? path.resolve(cwd, program) : program;
  if (error.code === 'ENOENT')
    return program.includes('/') ? `${file} does not exist` : `${program} is not found in PATH`;
  if (error.code === 'EACCES') return `${file} may not be executed`;
  return error.message;
}
