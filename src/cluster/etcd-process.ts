import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileTrouble, MusterError } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import type { TxnLimits } from '../store/etcd/commits.ts';
import { lastWords } from './etcd-output.ts';

/**
 * Where the client side listens, in etcd's own directory: a socket that only this user can open. etcd wants a port
 * in the name.
 */
const SOCKET = 'client:0';
const PID_FILE = 'etcd.pid';
/** Longer paths cannot be connected to. */
const MAX_SOCKET_PATH = 107;

/** A leader that is gone is replaced within a second; on a local network a heartbeat takes a millisecond. */
const HEARTBEAT = 100;
const ELECTION = 500;
/** What changed in so many revisions can be resumed from; the rest is compacted away, or the disk would fill. */
const KEEP_REVISIONS = 10_000;
const MAX_OPERATIONS = 4096;
const MAX_REQUEST = 8 * 1024 * 1024;
const QUOTA = 8 * 1024 ** 3;

/** What commits to an etcd that is started here may hold. */
export const OWN_TXN_LIMITS: TxnLimits = { operations: MAX_OPERATIONS, bytes: MAX_REQUEST - 512 * 1024 };

const RESTART: BackoffPolicy = { base: 200, max: 5_000 };
/** Until it is killed. */
const STOP_PATIENCE = 5_000;
/** Of what it printed, for the log when it ends. */
const OUTPUT_KEPT = 8 * 1024;

export interface EtcdMemberFlags {
  readonly name: string;
  readonly token: string;
  /** "name=url,name=url". */
  readonly initialCluster: string;
  readonly isNew: boolean;
  readonly peerUrl: string;
}

/** An etcd of this server's own: started again when it ends, ended with this process. */
export class EtcdProcess {
  readonly #binary: string;
  readonly #directory: string;
  readonly #logger: Logger;
  /** It says that it was removed from its cluster. */
  readonly #onRemoved: () => void;
  #child: ChildProcess | undefined;
  #flags: EtcdMemberFlags | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({
    binary,
    directory,
    logger,
    onRemoved,
  }: { binary: string; directory: string; logger: Logger; onRemoved: () => void }) {
    this.#binary = findBinary(binary);
    this.#directory = directory;
    this.#logger = logger;
    this.#onRemoved = onRemoved;
  }

  /** For `EtcdClient`. */
  get endpoint(): string {
    const absolute = path.join(this.#directory, SOCKET);
    const relative = path.relative(process.cwd(), absolute);
    const shorter = relative.length < absolute.length ? relative : absolute;
    if (shorter.length > MAX_SOCKET_PATH)
      throw new MusterError(
        'store.unusable',
        `the path of etcd's socket, ${absolute}, is too long: choose a -data-dir with a shorter path`,
      );
    return `unix:${shorter}`;
  }

  start(flags: EtcdMemberFlags, { forceNewCluster = false } = {}): void {
    this.#flags = flags;
    makeDirectory(this.#directory, 0o700);
    this.#endLeftOver();
    rmSync(path.join(this.#directory, SOCKET), { force: true });
    const { name, token, initialCluster, isNew, peerUrl } = flags;
    const values: Record<string, string | number> = {
      name,
      'data-dir': 'data',
      'listen-client-urls': `unix://${SOCKET}`,
      // Nobody asks for it: clients of this etcd are told where it is by the one who starts it.
      'advertise-client-urls': 'http://127.0.0.1:1',
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': initialCluster,
      'initial-cluster-state': isNew ? 'new' : 'existing',
      'initial-cluster-token': token,
      'heartbeat-interval': HEARTBEAT,
      'election-timeout': ELECTION,
      'auto-compaction-mode': 'revision',
      'auto-compaction-retention': KEEP_REVISIONS,
      'max-txn-ops': MAX_OPERATIONS,
      'max-request-bytes': MAX_REQUEST,
      'quota-backend-bytes': QUOTA,
      logger: 'zap',
      'log-level': 'warn',
    };
    const args = Object.entries(values).map(([flag, value]) => `--${flag}=${value}`);
    args.push('--pre-vote', ...(forceNewCluster ? ['--force-new-cluster'] : []));
    const child = spawn(this.#binary, args, { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#notePid(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-OUTPUT_KEPT);
      });
    const began = Date.now();
    child.on('error', (error) => {
      output += error.message;
    });
    child.on('close', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (/member has been permanently removed|removed from the cluster/.test(output)) {
        this.#logger.warn('etcd says that this server was removed from the cluster');
        this.#onRemoved();
        return;
      }
      this.#logger.error('etcd has ended, it is started again', {
        code: code ?? signal ?? 'none',
        why: lastWords(output),
      });
      if (Date.now() - began > 10 * RESTART.max) this.#failures = 0;
      this.#startLater();
    });
  }

  #startLater(): void {
    const wait = backoffDelay(RESTART, this.#failures++, Math.random());
    this.#timer = setTimeout(() => {
      if (this.#flags === undefined) return;
      try {
        this.start(this.#flags);
      } catch (error) {
        this.#logger.error('etcd cannot be started, it is tried again', { error: fileTrouble(error) });
        this.#startLater();
      }
    }, wait);
  }

  /** It is only for the next run, should this one be killed: etcd goes on without it where the disk is full. */
  #notePid(pid: number | undefined): void {
    if (pid === undefined) return;
    try {
      writeFileSync(this.#pidFile, String(pid));
    } catch (error) {
      this.#logger.warn(`cannot keep etcd's process ID in ${this.#pidFile}: ${fileTrouble(error)}`);
    }
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#flags = undefined;
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE);
    await ended;
    clearTimeout(timer);
    rmSync(this.#pidFile, { force: true });
  }

  /** Forgets all that it keeps. Only while it is stopped. */
  wipe(): void {
    rmSync(path.join(this.#directory, 'data'), { recursive: true, force: true });
  }

  get #pidFile(): string {
    return path.join(this.#directory, PID_FILE);
  }

  /** When this program was killed, its etcd may have outlived it, and holds the data. */
  #endLeftOver(): void {
    const pid = pidIn(this.#pidFile);
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/** Whether an etcd of ours runs over this directory. */
export function isEtcdRunning(directory: string): boolean {
  return pidIn(path.join(directory, PID_FILE)) !== undefined;
}

/** Of an etcd of ours that runs. */
function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    const command = pid > 1 ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
    return command.includes(`--listen-client-urls=unix://${SOCKET}`) ? pid : undefined;
  } catch {
    // There is none.
    return undefined;
  }
}

/** Throws `store.unusable` when there is no such program. */
function findBinary(name: string): string {
  const places = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name));
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new MusterError(
      'store.unusable',
      `a server of a cluster needs the program ${name}, which is not on the PATH. Debian and Ubuntu: apt-get install etcd-server. Others: https://etcd.io/docs/latest/install/. Another place is named by \`etcd\` below [cluster].`,
    );
  return found;
}
