/** The program that `-exec` keeps running: started once everything is rendered, told of changes, ended with us. */
import type { ChildProcess } from 'node:child_process';
import { fileTrouble } from '../errors.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { signalNumber } from '../lib/command.ts';
import { descendantsOf } from '../lib/descendants.ts';
import type { Logger } from '../lib/log.ts';
import { environmentFor, isForShell, signalTo, startProcess } from './command.ts';
import type { CommandWords, EnvironmentFilter } from './settings.ts';

export interface ChildSettings {
  readonly command: CommandWords;
  readonly environment: EnvironmentFilter;
  /** Told on a change; "none": it is not told; undefined: it is ended and started again. */
  readonly reloadSignal: NodeJS.Signals | 'none' | undefined;
  readonly killSignal: NodeJS.Signals;
  /** After the kill signal it has this long (ms). */
  readonly killTimeout: number;
  /** A signal waits for a random time below this (ms), so that a crowd of machines does not restart at once. */
  readonly splay: number;
}

/** What is around it. */
export interface ChildParts {
  /** Variables that it gets besides the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface ChildEvents {
  /** It ended by itself. */
  exited(code: number): void;
  /** It could not be started. */
  failed(message: string): void;
}

export class Child {
  readonly #settings: ChildSettings;
  readonly #parts: ChildParts;
  readonly #events: ChildEvents;
  #process: ChildProcess | undefined;
  readonly #stopping = new AbortController();
  /** Reloads and the stop, one behind the other. */
  #queue: Promise<void> = Promise.resolve();
  /** A reload waits for its turn: it is for what changes until then, too. */
  #isReloadDue = false;

  constructor(settings: ChildSettings, parts: ChildParts, events: ChildEvents) {
    this.#settings = settings;
    this.#parts = parts;
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get #group(): boolean {
    return isForShell(this.#settings.command);
  }

  start(): void {
    const { command, environment } = this.#settings;
    const { variables, log } = this.#parts;
    const child = startProcess(command, environmentFor(environment, process.env, variables), {
      output: 'inherit',
      input: 'inherit',
      group: this.#group,
    });
    this.#process = child;
    if (child.pid !== undefined) log.info(`started: ${command.join(' ')}`, { pid: child.pid });
    const ended = (tell: () => void): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      if (!this.#stopping.signal.aborted) tell();
    };
    child.once('error', (cause) =>
      ended(() => this.#events.failed(`cannot start ${command.join(' ')}: ${fileTrouble(cause)}`)),
    );
    child.once('exit', (code, signal) =>
      ended(() => this.#events.exited(code ?? 128 + signalNumber(signal))),
    );
  }

  /** Hands a signal on. One that asks it to end gives it no more time than a stop does. */
  signal(signal: NodeJS.Signals): void {
    const child = this.#process;
    if (child === undefined) return;
    if (signal === this.#settings.killSignal) void this.#kill(child);
    else signalTo(child, signal, this.#group);
  }

  /** What it was started for has changed. */
  reload(): void {
    const { reloadSignal } = this.#settings;
    if (reloadSignal === 'none' || this.#isReloadDue) return;
    this.#isReloadDue = true;
    const stopping = this.#stopping.signal;
    this.#queue = this.#queue.then(async () => {
      if (this.#process !== undefined) await this.#splay();
      this.#isReloadDue = false;
      if (stopping.aborted || this.#process === undefined) return;
      if (reloadSignal === undefined) {
        await this.#end();
        if (!stopping.aborted) this.start();
      } else this.signal(reloadSignal);
    });
  }

  /** Ends it; resolves when it has ended. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue = this.#queue.then(() => this.#end());
    return this.#queue;
  }

  /** Over at once when it is to stop. */
  #splay(): Promise<void> {
    const { splay } = this.#settings;
    const { clock, random } = this.#parts;
    return splay === 0 ? Promise.resolve() : sleep(clock, splay * random(), this.#stopping.signal);
  }

  #end(): Promise<void> {
    const child = this.#process;
    // No longer ours: what it ends with is no news.
    this.#process = undefined;
    return child === undefined ? Promise.resolve() : this.#kill(child);
  }

  /** It, and what it started: one that is for no shell is in our own process group, so that a terminal is its too. */
  #killAll(child: ChildProcess): void {
    const started = this.#group || child.pid === undefined ? [] : descendantsOf(child.pid);
    signalTo(child, 'SIGKILL', this.#group);
    for (const pid of started)
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended in the meantime.
      }
  }

  /** Asks it to end, and ends it when it does not. Resolves when it has ended. */
  #kill(child: ChildProcess): Promise<void> {
    const { killSignal, killTimeout } = this.#settings;
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || child.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#parts.log.warn(`it did not end within ${killTimeout} ms of ${killSignal}: killed`);
        this.#killAll(child);
      }, killTimeout);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      signalTo(child, killSignal, this.#group);
    });
  }
}
