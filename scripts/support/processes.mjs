// @ts-check
// Starting real programs, waiting until they are ready, and making sure that none is left behind.
// Used by the scripts, the end-to-end tests and the benchmarks alike.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { findCommand } from './paths.mjs';

/** The end of a program's output is what says why it failed. */
const OUTPUT_KEPT = 256 * 1024;

/** Of a program that runs to its end somebody reads the whole. */
const OUTPUT_KEPT_TO_END = 32 * 1024 * 1024;

/** What a grandchild may still print through the pipes that it inherited is not waited for. */
const AFTER_EXIT_MS = 500;

/** What was killed is waited for this long: it may hang in a system call for ever. */
const KILLED_MS = 10_000;

/** In the environment of everything that is started here, so that grandchildren can be found again. */
const MARK = 'MUSTER_STARTED_BY';

/**
 * @typedef {object} StartOptions
 * @property {NodeJS.ProcessEnv} [env] added to this process's environment
 * @property {string} [cwd]
 * @property {boolean} [show] copy its output to ours while it runs
 * @property {string} [cpu] cores to pin it to, as for taskset
 * @property {number} [keep] how many characters of its output are kept (256 K)
 */

/**
 * @typedef {object} Running
 * @property {string} name
 * @property {number} pid
 * @property {() => string} output what it printed so far (the last 256 kB of stdout and stderr together)
 * @property {() => boolean} running
 * @property {Promise<Exit>} exited
 * @property {Promise<void>} silent resolves when its output has ended, at most half a second after its exit
 * @property {() => number[]} family the pids of it and of everything it started, however deep
 * @property {(signal?: NodeJS.Signals, ms?: number) => Promise<Exit>} stop asks it to end; after `ms` it is killed with all its children.
 *   Resolves once all of them are gone
 * @property {() => Promise<Exit>} kill ends it and all its children at once. Resolves once they are gone
 *
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Exit
 */

/** @type {Set<Running>} */
const alive = new Set();

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalTo(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/**
 * Everything that descends from a process: its children's children, and those whose parent has ended, which are
 * known by their mark. (Both are needed: some programs, nginx for one, write over their environment.)
 * @param {number} root
 * @param {string} mark
 */
function familyOf(root, mark) {
  /** @type {Map<number, number>} */
  const parents = new Map();
  /** @type {Set<number>} */
  const family = new Set();
  for (const pid of listProcesses()) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (pid === root || readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) family.add(pid);
    } catch {
      // Ended in the meantime, or somebody else's.
    }
  }
  for (let before = -1; before !== family.size; ) {
    before = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

/** All process ids, on Linux; elsewhere none. */
export function listProcesses() {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Does a process still run? One that has ended and waits to be reaped does not. @param {number} pid */
export function runs(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/**
 * Starts a program in a process group of its own. It ends at the latest with this process, even when that is
 * killed, where util-linux can arrange it.
 * @param {string} command
 * @param {string[]} args
 * @param {StartOptions} [options]
 * @returns {Running}
 */
export function start(command, args, options = {}) {
  const mark = randomUUID();
  const argv = [command, ...args];
  if (options.cpu !== undefined) argv.unshift('taskset', '-c', options.cpu);
  const setpriv = findCommand('setpriv');
  if (setpriv !== undefined) argv.unshift(setpriv, '--pdeathsig', 'KILL', '--');
  const child = spawn(/** @type {string} */ (argv[0]), argv.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, [MARK]: `${process.env[MARK] ?? ''},${mark}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const [stream, ours] of /** @type {const} */ ([
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ])) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output = (output + text).slice(-(options.keep ?? OUTPUT_KEPT));
      if (options.show) ours.write(text);
    });
  }
  let running = true;
  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve) => {
    child.on('error', (error) => {
      output += `${error.message}\n`;
      running = false;
      resolve({ code: null, signal: null });
    });
    // Not 'close': a grandchild may hold the pipes open for longer.
    child.on('exit', (code, signal) => {
      running = false;
      resolve({ code, signal });
    });
  });
  /** @type {Promise<void>} */
  const silent = Promise.race([
    new Promise((resolve) => child.on('close', () => resolve(undefined))),
    // Where this process had no time for so long, what is in the pipes is read before the turn ends.
    exited.then(() => pause(AFTER_EXIT_MS)).then(() => new Promise((resolve) => setImmediate(resolve))),
  ]);
  // Once it has ended, its number may be somebody else's.
  const family = () => familyOf(running ? self.pid : -1, mark);
  const killAll = () => {
    const pids = family();
    for (const pid of pids) signalTo(pid, 'SIGKILL');
    // What stayed in its process group; the number is not given to another group while there is somebody in it.
    if (child.pid !== undefined) signalTo(-child.pid, 'SIGKILL');
    return pids;
  };
  /** Who was killed has its ports, its locks and its files for a moment longer: a busy machine takes its time. @param {number[]} pids */
  const gone = async (pids) => {
    const exit = await exited;
    for (const end = Date.now() + KILLED_MS; pids.some(runs) && Date.now() < end; ) await pause(5);
    return exit;
  };
  /** @type {Running} */
  const self = {
    name: [command.split('/').pop(), ...args].join(' '),
    pid: child.pid ?? -1,
    output: () => output,
    running: () => running,
    exited,
    silent,
    family,
    async stop(signal = 'SIGTERM', ms = 30_000) {
      if (running) signalTo(self.pid, signal);
      const timer = setTimeout(killAll, ms);
      await exited;
      clearTimeout(timer);
      alive.delete(self);
      return gone(killAll());
    },
    kill() {
      alive.delete(self);
      return gone(killAll());
    },
  };
  alive.add(self);
  return self;
}

/** How often we look whether npm is still there. */
const PARENT_CHECK_MS = 300;

/**
 * Calls back whenever this script is told to stop: Ctrl-C, SIGTERM, a terminal that is closed, the end of npm. (npm
 * passes signals on to the shell that it runs scripts in, which keeps them to itself: hence the `exec` in package.json,
 * and for what still goes missing a look at who our parent is.)
 * @param {(signal: 'SIGINT' | 'SIGTERM') => void} stop
 */
export function whenToldToStop(stop) {
  let told = false;
  /** @param {'SIGINT' | 'SIGTERM'} signal */
  const tell = (signal) => () => {
    told = true;
    stop(signal);
  };
  process.on('SIGINT', tell('SIGINT'));
  process.on('SIGTERM', tell('SIGTERM'));
  process.on('SIGHUP', tell('SIGTERM'));
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    // After a signal this is no second one: npm merely ended before us.
    if (!told) tell('SIGTERM')();
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** When this script is told to stop, what was started here ends before it does. */
export function stopAllWithUs() {
  let stopping = false;
  whenToldToStop((signal) => {
    if (stopping) return;
    stopping = true;
    stopAll().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

/** Ends everything that was started here and still runs. */
export async function stopAll() {
  await Promise.all([...alive].map((one) => one.stop('SIGTERM', 5_000)));
}

/**
 * Runs a program to its end, to which it is brought after `ms`.
 * @param {string} command
 * @param {string[]} args
 * @param {StartOptions & { ms?: number }} [options]
 */
export async function runToEnd(command, args, options) {
  const program = start(command, args, { keep: OUTPUT_KEPT_TO_END, ...options });
  const timer = options?.ms === undefined ? undefined : setTimeout(() => void program.kill(), options.ms);
  const { code, signal } = await program.exited;
  clearTimeout(timer);
  await program.silent;
  alive.delete(program);
  return { code, signal, output: program.output() };
}

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks again and again until there is an answer other than undefined or false. What the probe throws counts as
 * "not yet" and is told when the time is over.
 * @template T
 * @param {string} what for the message: "timed out waiting for …"
 * @param {() => T | Promise<T>} probe
 * @param {{ ms?: number, every?: number, program?: Running | undefined }} [options] `program`: give up when it ends, and show its output
 * @returns {Promise<Exclude<Awaited<T>, undefined | false | null>>}
 */
export async function until(what, probe, { ms = 60_000, every = 20, program } = {}) {
  const end = Date.now() + ms;
  /** @type {unknown} */
  let last;
  const story = () => {
    const reason = last === undefined ? '' : `\nlast: ${last instanceof Error ? last.message : String(last)}`;
    return program === undefined ? reason : `${reason}\n--- output of ${program.name}\n${program.output()}`;
  };
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false && answer !== null) return /** @type {any} */ (answer);
      last = answer === undefined ? undefined : last;
    } catch (error) {
      last = error;
    }
    if (program !== undefined && !program.running())
      throw new Error(`it ended while waiting for ${what}${story()}`);
    if (Date.now() > end) throw new Error(`timed out after ${ms} ms waiting for ${what}${story()}`);
    await pause(every);
  }
}

/** Ports taken here so far, so that two callers in one process do not get the same one. @type {Set<number>} */
const handedOut = new Set();

// Below the range from which the kernel takes the local ports of outgoing connections (32768 and up): a port
// that is free now stays free until the program under test binds it. Below the one that groups take theirs from, too (20000 to 29999).
const FIRST_PORT = 10_000;
const ALL_PORTS = 9_600;
// Files of tests that run at the same time are processes that do not know of each other: each has a range of its own.
// (As many as there are with four cores; beyond that two of them may have the same, and rarely meet.)
const POOL = process.env.VITEST_POOL_ID;
const PORTS = POOL === undefined ? ALL_PORTS : ALL_PORTS / 6;
const LOWEST_PORT = FIRST_PORT + (POOL === undefined ? 0 : (Number(POOL) % 6) * PORTS);

/** @param {number} port */
async function isFree(port) {
  const tcp = createServer();
  const udp = createSocket('udp4');
  try {
    await new Promise((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(undefined));
    });
    await new Promise((resolve, reject) => {
      udp.once('error', reject);
      udp.bind({ port, address: '0.0.0.0', exclusive: true }, () => resolve(undefined));
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => tcp.close(() => resolve(undefined)));
    udp.close();
  }
}

/**
 * Ports that are free for TCP and UDP; one after the other when `inARow`.
 * @param {number} count
 * @param {{ inARow?: boolean }} [options]
 * @returns {Promise<number[]>}
 */
export async function freePorts(count, { inARow = false } = {}) {
  /** @type {number[]} */
  let found = [];
  const giveBack = () => {
    for (const port of found) handedOut.delete(port);
    found = [];
  };
  let offset = Math.floor(Math.random() * PORTS);
  for (let tries = 0; found.length < count; tries++) {
    if (tries > 3 * PORTS) {
      giveBack();
      throw new Error(`no ${count} free ports between ${LOWEST_PORT} and ${LOWEST_PORT + PORTS}`);
    }
    const port = LOWEST_PORT + offset;
    if (await isOurs(port)) found.push(port);
    else if (inARow) giveBack();
    // Those in a row are looked for from one end to the other: with many in use, hitting upon such a row is rare.
    offset = inARow ? (offset + 1) % PORTS : Math.floor(Math.random() * PORTS);
    if (inARow && offset === 0 && found.length < count) giveBack();
  }
  return found;
}

/** Takes a port when it is free. It is ours from the first look on: others here look at the same time. @param {number} port */
async function isOurs(port) {
  if (handedOut.has(port)) return false;
  handedOut.add(port);
  if (await isFree(port)) return true;
  handedOut.delete(port);
  return false;
}
