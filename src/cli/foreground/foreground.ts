/**
 * How programs run in the foreground: until a signal ends them in order (a second one at once), or until another process has
 * taken over from them.
 */
import { randomUUID } from 'node:crypto';
import { isMusterError, MusterError, messageOf } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { Sockets } from '../../lib/sockets.ts';
import type { Farewell } from '../../proxy/farewell.ts';
import { writePidFile } from '../pid-file.ts';
import { takeOverFirst } from './first-signals.ts';
import { type Inherited, inherit } from './inherited.ts';
import { Keeper } from './keeper.ts';
import { tellPredecessor } from './messages.ts';
import { isSupervised, keepWatchdog, tellServiceManager } from './service-manager.ts';
import { Successor } from './successor.ts';

/** How a program hands over what only one process can have. */
export interface Handing {
  /** Why it cannot, with what to do; undefined: it can. */
  obstacle?(): string | undefined;
  /** Lets go of it. Clients are still served. */
  yield?(): Promise<void>;
  /** The other process failed: takes it back. */
  revive?(): Promise<void>;
}

export interface Foreground {
  /** Where to listen. */
  readonly sockets: Sockets;
  /** Aborts when the end begins. */
  readonly signal: AbortSignal;
  /** To be awaited before anything is opened that only one process can have. */
  turn(): Promise<void>;
  /** Nobody else's but of the processes that replace each other, which have the same; final once it is this one's turn. */
  readonly secret: string;
  /** Whether there is a process that serves until this one does. */
  readonly replaces: boolean;
  /** It answers some clients while it starts: whoever waits for it may go on, and it is told of SIGHUP. */
  answering(): Promise<void>;
  /** It serves from now on, and can be replaced. Rejects with `config.unreadable` where its pid file cannot be written. */
  serving(handing?: Handing): Promise<void>;
  /** Resolves when the end begins, with whether another process has taken over. */
  readonly ended: Promise<Pick<Farewell, 'isReplaced'>>;
  /** Begins the end. */
  end(): void;
  /** Has another process take over; resolves with its pid. Rejects with why this one goes on. */
  replace(): Promise<number>;
}

export interface ForegroundOptions {
  readonly log: Logger;
  /** Where the process's id stands while it serves; undefined: nowhere. */
  readonly pidFile?: string | undefined;
  /** A second signal ends the process. */
  onSecond?(): void;
  /** SIGHUP. While it starts it is heard late: once it answers. Without this the log says that there is nothing to read again. */
  onHangUp?(): void;
}

/** A stop signal that comes so soon (ms) after another is the same one sent twice: to the process and to its group (timeout(1)), or by a terminal and a supervisor. Nobody's second thought is as quick. */
const SAME_STOP = 200;

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
const REPLACE_SIGNAL: NodeJS.Signals = 'SIGUSR2';
const RELOAD_SIGNAL: NodeJS.Signals = 'SIGHUP';

/** Runs `body`; resolves and rejects as it does, or with the exit code of the process that took over. */
export async function inForeground(
  options: ForegroundOptions,
  body: (foreground: Foreground) => Promise<number>,
): Promise<number> {
  const inherited = await inherit();
  const run = new Run(options, inherited);
  try {
    const code = await body(run);
    const { isReplaced } = await run.ended;
    if (!isReplaced) inherited.lifeline?.say(`exit ${code}`);
    if (!run.hasServed) inherited.predecessor?.hangUp();
    return (await run.keep()) ?? code;
  } catch (error) {
    tellPredecessor(messageOf(error));
    throw error;
  } finally {
    run.close();
  }
}

/** What whoever sends SIGHUP may have wanted. To end with it, as a process that does not listen, would cut off clients. */
function sayHowToReplace(log: Logger): void {
  log.info(
    `SIGHUP: nothing is to be read again here, as files are followed while it runs; for what is read at the start there is "muster reload -process -pid ${process.pid}"`,
  );
}

class Run implements Foreground {
  readonly #log: Logger;
  readonly #onSecond: () => void;
  readonly #onHangUp: () => void;
  readonly #inherited: Inherited;
  readonly #ending = new AbortController();
  readonly ended: Promise<Pick<Farewell, 'isReplaced'>>;
  #settle: (how: Pick<Farewell, 'isReplaced'>) => void = () => {};
  readonly #pidFile: string | undefined;
  #removePidFile = () => {};
  #handing: Handing | undefined;
  #successor: Successor | undefined;
  #keeper: Keeper | undefined;
  #secret: string = randomUUID();
  #isReplacing = false;
  #isAnswering = false;
  #stoppedAt = Number.NEGATIVE_INFINITY;
  /** What came while it started. */
  #heldBack = new Set<NodeJS.Signals>();
  hasServed = false;

  constructor(
    { log, onSecond = () => {}, onHangUp = () => sayHowToReplace(log), pidFile }: ForegroundOptions,
    inherited: Inherited,
  ) {
    this.#log = log;
    this.#onSecond = onSecond;
    this.#onHangUp = onHangUp;
    this.#inherited = inherited;
    this.#pidFile = pidFile;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    process.on('unhandledRejection', this.#onStray);
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onStop);
    process.on(REPLACE_SIGNAL, this.#onReplace);
    process.on(RELOAD_SIGNAL, this.#onReload);
    takeOverFirst([...STOP_SIGNALS, REPLACE_SIGNAL, RELOAD_SIGNAL]);
    inherited.lifeline?.onCut(() => {
      log.warn('the process that stands for this one has ended');
      this.end();
    });
  }

  get sockets(): Sockets {
    return this.#inherited.sockets;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  get secret(): string {
    return this.#secret;
  }

  async turn(): Promise<void> {
    this.#secret = (await this.#inherited.predecessor?.turn()) ?? this.#secret;
  }

  get replaces(): boolean {
    return this.#inherited.predecessor !== undefined;
  }

  async answering(): Promise<void> {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    if (this.#heldBack.delete(RELOAD_SIGNAL)) process.emit(RELOAD_SIGNAL, RELOAD_SIGNAL);
    await tellServiceManager('READY=1');
    keepWatchdog();
  }

  async serving(handing: Handing = {}): Promise<void> {
    this.#removePidFile = writePidFile(this.#pidFile);
    this.#handing = handing;
    this.hasServed = true;
    const { predecessor, lifeline, sockets } = this.#inherited;
    for (const { host, port } of sockets.dropUnclaimed())
      this.#log.info('a socket that was open for this process is not used: nothing is to listen there', {
        address: formatHostPort(host, port),
      });
    lifeline?.say(`pid ${process.pid}`);
    predecessor?.takenOver();
    await this.answering();
    const heldBack = [...this.#heldBack];
    this.#heldBack.clear();
    for (const signal of heldBack) process.emit(signal, signal);
  }

  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#settle({ isReplaced: false });
    this.#ending.abort();
    // Its end is told by the end of the process, too.
    void tellServiceManager('STOPPING=1').catch(() => {});
    void this.#successor?.kill();
  }

  async replace(): Promise<number> {
    const { sockets, lifeline } = this.#inherited;
    const handing = this.#handing;
    if (this.#isReplacing || this.#ending.signal.aborted || handing === undefined)
      throw new MusterError('request.rejected', 'this process is just starting, ending or being replaced');
    const obstacle = handing.obstacle?.();
    if (obstacle !== undefined) throw new MusterError('request.rejected', obstacle);
    this.#isReplacing = true;
    try {
      const successor = await Successor.start(sockets, lifeline?.fd ?? (isSupervised() ? 'none' : 'new'));
      this.#successor = successor;
      try {
        await handing.yield?.();
        await successor.takeOver(this.#secret);
      } catch (error) {
        await successor.kill();
        if (!this.signal.aborted) await handing.revive?.();
        throw error;
      }
      const { pid } = successor;
      if (isSupervised()) await tellServiceManager(`MAINPID=${pid}`);
      else if (successor.lifeline !== undefined) {
        this.#keeper = new Keeper(successor.lifeline, pid);
        void this.#keeper.ended.then((code) => code === undefined && this.#onDeath());
        // Behind the keeper's: a signal that comes while nobody listens would be lost.
        this.#ignoreSignals();
      }
      this.#log.info(`process ${pid} serves from now on; what is in flight here may finish`);
      this.#settle({ isReplaced: true });
      this.#ending.abort();
      return pid;
    } finally {
      this.#isReplacing = false;
    }
  }

  /** After the end: when another process serves for which this one stands, resolves with its exit code when that ends. */
  async keep(): Promise<number | undefined> {
    return this.#keeper?.ended;
  }

  close(): void {
    process.off('unhandledRejection', this.#onStray);
    this.#removePidFile();
    this.#ignoreSignals();
    this.#keeper?.close();
  }

  /** Something that nobody waits for has failed: a mistake of ours, and no reason to stop what goes well. Node would end the process. */
  readonly #onStray = (why: unknown) =>
    this.#log.error('something in the background has failed, all else goes on; please report this', {
      error: why instanceof Error ? why.stack : String(why),
    });

  /** Whoever started this process starts it anew, and nobody serves until then: what is in flight here cannot be waited for. */
  #onDeath(): void {
    this.#log.error('the process that took over has died, and nobody serves any more: ended at once');
    process.exit(1);
  }

  #ignoreSignals(): void {
    for (const signal of STOP_SIGNALS) process.off(signal, this.#onStop);
    process.off(RELOAD_SIGNAL, this.#onReload);
    process.off(REPLACE_SIGNAL, this.#onReplace);
  }

  readonly #onStop = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (now - this.#stoppedAt < SAME_STOP) return;
    this.#stoppedAt = now;
    if (this.#ending.signal.aborted) {
      this.#log.warn(`second signal (${signal}): ended at once`);
      this.#onSecond();
      process.exit(1);
    }
    this.#log.info(`${signal}: nothing new is taken, what is in flight may finish`);
    this.end();
  };

  readonly #onReload = (signal: NodeJS.Signals): void => {
    // Another process may serve by now, and hear of it.
    if (this.#ending.signal.aborted) return;
    if (this.#isAnswering) this.#onHangUp();
    else this.#heldBack.add(signal);
  };

  readonly #onReplace = (signal: NodeJS.Signals): void => {
    if (!this.hasServed && !this.#ending.signal.aborted) {
      this.#heldBack.add(signal);
      return;
    }
    this.replace().catch((error: unknown) => {
      this.#log.error(isMusterError(error) ? error.message : `not replaced: ${messageOf(error)}`);
    });
  };
}
