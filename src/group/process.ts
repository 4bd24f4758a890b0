/**
 * An instance as a process on this machine. It leads a process group (and session) of its own, so that a signal
 * to the group reaches everything it started, and Ctrl-C in the terminal reaches only Muster, which then stops the
 * instances in order.
 */
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../errors.ts';
import { spawnProgram } from '../lib/spawn-program.ts';
import { Cgroup, cgroupOf, makeCgroup } from './cgroup.ts';
import {
  asEnded,
  type Driver,
  type Ending,
  type Handle,
  type Launch,
  notStarted,
  type Running,
} from './drivers.ts';
import { exitOf } from './exits.ts';
import { adoptedFamily, type Family, ownFamily } from './family.ts';
import type { FollowedOutput, OutputFolder } from './output-files.ts';
import { identityOf, isAlive, type ProcessIdentity, processIds, statOf, wasStartedWith } from './proc.ts';
import { reaper } from './reaper.ts';
import { type Limits, ownLimits, whyNotLimited, within } from './rlimits.ts';
import { activated, activation } from './socket-activation.ts';
import { INSTANCE_ID } from './variables.ts';

/** How often it is looked whether the rest of a group is gone once its leader is, in ms. */
const LINGER_POLL = 25;

/** How long the last output may take to arrive once the group is gone, in ms; only a process that left the group still holds the pipe then. */
const LAST_OUTPUT = 250;

/** How often it is tried to remove a cgroup whose last process was killed a moment ago, and in which steps, in ms. */
const CGROUP_TRIES = 20;

export const processDriver: Driver = {
  environment() {
    const own: Record<string, string> = {};
    for (const [name, value] of Object.entries(process.env)) if (value !== undefined) own[name] = value;
    // `node` in a command is found even when the Node that runs Muster is not in PATH; one that is there wins.
    own.PATH = [own.PATH, path.dirname(process.execPath)].filter(Boolean).join(path.delimiter);
    return own;
  },

  portsInside: (_, ports) => ports,

  launch(launch) {
    const { command, env, keep, name, id, sockets } = launch;
    const { cwd, limits = {} } = launch.template;
    const [program = ''] = command;
    const fault = whyNotStartable(program, cwd, env.PATH) ?? whyNotWithin(limits, cwd, env.PATH);
    if (fault !== undefined) return notStarted(fault);
    if (keep === undefined) reaper().prepare();
    let files: ReturnType<OutputFolder['create']> | undefined;
    try {
      files = keep?.create(name);
    } catch (error) {
      return notStarted(`nowhere to write its output: ${messageOf(error)}`);
    }
    const cgroup = makeCgroup(id);
    const limited = within(limits, activated(sockets, command));
    const [first, ...rest] = cgroup === undefined ? limited : cgroup.within(limited);
    const child = spawnProgram(first as string, rest, {
      cwd,
      env: { ...env, ...activation(sockets) },
      detached: true,
      stdio: ['ignore', files?.stdout ?? 'pipe', files?.stderr ?? 'pipe', ...sockets.map(({ fd }) => fd)],
    });
    for (const fd of Object.values(files ?? {})) closeSync(fd);
    const { pid } = child;
    const failed = new Promise<Ending>((resolve) => {
      child.once('error', (error) => {
        if (pid === undefined) resolve({ code: null, signal: null, error: messageOf(error) });
      });
    });
    if (pid === undefined) {
      cgroup?.remove();
      return asEnded(failed);
    }
    const leader = new Promise<Ending>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const identity = identityOf(pid);
    if (identity !== undefined && keep !== undefined)
      launch.found({ kind: 'process', process: identity, cgroup: cgroup?.path });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stdout?.on('data', (chunk: Buffer) => launch.output('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => launch.output('stderr', chunk));
    // What outlives Muster does not keep it from ending.
    if (keep !== undefined) child.unref();
    return follow(pid, {
      leader,
      family: ownFamily(pid),
      cgroup,
      isReaped: keep === undefined,
      output: followed(launch),
      closed,
    });
  },

  async adopt(handle, launch) {
    const { id, keep } = launch;
    const known = handle?.kind === 'process' && isAlive(handle.process) ? handle.process : undefined;
    const leader = known ?? leaderWith(id);
    if (leader === undefined) {
      endLeftovers(handle, id);
      return undefined;
    }
    const cgroup = cgroupOf(leader.pid, id);
    if (known === undefined) launch.found({ kind: 'process', process: leader, cgroup: cgroup?.path });
    return follow(leader.pid, {
      leader: exitOf(leader).then(() => ({ code: null, signal: null })),
      family: adoptedFamily(leader, id),
      cgroup,
      isReaped: keep === undefined,
      output: followed(launch),
      closed: Promise.resolve(),
    });
  },
};

interface Parts {
  readonly leader: Promise<Ending>;
  readonly family: Family;
  readonly cgroup: Cgroup | undefined;
  /** It ends with Muster. */
  readonly isReaped: boolean;
  /** Undefined: through pipes. */
  readonly output: FollowedOutput | undefined;
  /** The pipes are. */
  readonly closed: Promise<void>;
}

/** A process that runs, whoever started it. */
function follow(pid: number, { leader, family, cgroup, isReaped, output, closed }: Parts): Running {
  if (isReaped) reaper().add(pid, cgroup?.path);
  let killAt = 0;
  let killed = false;
  let hasEnded = false;
  let released = false;
  const ended = leader.then(async (ending) => {
    hasEnded = true;
    if (released) return ending;
    // What the leader left behind may finish while a stop is under way; after a crash it would only hold the port.
    while (Date.now() < killAt && family.lives()) await pause(LINGER_POLL);
    family.signal('SIGKILL');
    if (cgroup !== undefined) await clear(cgroup);
    await Promise.race([closed, pause(LAST_OUTPUT)]);
    output?.end();
    if (isReaped) reaper().remove(pid);
    return ending;
  });
  const kill = (): void => {
    killAt = 0;
    killed = true;
    if (!hasEnded) family.signal('SIGKILL');
    cgroup?.kill();
  };
  return {
    pid,
    ended,
    kill,
    async stop(timeout) {
      if (hasEnded) {
        await ended;
        return;
      }
      if (!killed) killAt = Date.now() + timeout;
      family.signal('SIGTERM');
      const timer = setTimeout(kill, timeout);
      await ended;
      clearTimeout(timer);
    },
    release() {
      released = true;
      output?.release();
    },
  };
}

/** Also of what left the process group. */
async function clear(cgroup: Cgroup): Promise<void> {
  cgroup.kill();
  for (let count = 0; count < CGROUP_TRIES && !cgroup.remove(); count++) await pause(LINGER_POLL);
}

/** The process that leads a group of its own and was started as this instance. */
function leaderWith(id: string): ProcessIdentity | undefined {
  for (const pid of processIds())
    if (statOf(pid)?.group === pid && wasStartedWith(pid, INSTANCE_ID, id)) return identityOf(pid);
  return undefined;
}

/** What an instance left that ended while no Muster ran. */
function endLeftovers(handle: Handle | undefined, id: string): void {
  if (handle?.kind !== 'process') return;
  adoptedFamily(handle.process, id).signal('SIGKILL');
  if (handle.cgroup === undefined) return;
  const cgroup = new Cgroup(handle.cgroup);
  cgroup.kill();
  cgroup.remove();
}

/** Undefined when the files are gone: it runs all the same, and its output cannot be had. */
function followed({ keep, name, output }: Launch): FollowedOutput | undefined {
  try {
    return keep?.follow(name, output);
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Undefined when the program is there. Asked before the start: a shell in between would only say so in its output. */
function whyNotStartable(program: string, cwd: string, searched = ''): string | undefined {
  if (!existsSync(cwd)) return `the directory ${cwd} does not exist`;
  if (program.includes('/')) {
    const file = path.resolve(cwd, program);
    if (!existsSync(file)) return `${file} does not exist`;
    return isExecutable(file) ? undefined : `${file} may not be executed`;
  }
  const isFound = searched
    .split(path.delimiter)
    .some((directory) => isExecutable(path.resolve(cwd, directory, program)));
  return isFound ? undefined : `${program} is not found in PATH`;
}

/** Undefined when it can have these limits. */
function whyNotWithin(limits: Limits, cwd: string, searched: string | undefined): string | undefined {
  const [program = ''] = within(limits, []);
  if (program === '') return undefined;
  if (process.platform !== 'linux') return 'limits can be given on Linux only';
  const fault = whyNotStartable(program, cwd, searched);
  if (fault !== undefined) return `${fault}: limits need it (Debian: apt-get install util-linux)`;
  const { own, mayRaise } = ownLimits();
  return whyNotLimited(limits, own, mayRaise);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
