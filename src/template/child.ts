/** The program that `-exec` keeps running: started once everything is rendered, told of changes, ended with us. */
import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../lib/log.ts';
import { environmentFor, isForShell, signalNumber, signalTo, startProcess } from './command.ts';
import type { CommandWords, EnvironmentFilter } from './settings.ts';

export interface ChildSettings {
  readonly command: CommandWords;
  readonly environment: EnvironmentFilter;
  /** Told on a change; undefined: it is ended and started again. */
  readonly reloadSignal: NodeJS.Signals | undefined;
  readonly killSignal: NodeJS.Signals;
  /** After the kill signal it has this long (ms). */
  readonly killTimeout: number;
  /** A signal waits for a random time below this (ms), so that a crowd of machines does not restart at once. */
  readonly splay: number;
}

export class Child {
  readonly #settings: ChildSettings;
  readonly #random: () => number;
  readonly #log: Logger;
  readonly #onExit: (code: number) => void;
  #process: ChildProcess | undefined;
  #stopping = false;
  /** Reloads and the stop, one behind the other. */
  #queue: Promise<void> = Promise.resolve();

  /** `onExit` is told when it ends by itself. */
  constructor(settings: ChildSettings, random: () => number, log: Logger, onExit: (code: number) => void) {
    this.#settings = settings;
    this.#random = random;
    this.#log = log;
    this.#onExit = onExit;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get #group(): boolean {
    return isForShell(this.#settings.command);
  }

  start(): void {
    const { command, environment } = this.#settings;
    const child = startProcess(command, environmentFor(environment, process.env), {
      output: 'inherit',
      input: 'inherit',
      group: this.#group,
    });
    this.#process = child;
    this.#log.info(`started: ${command.join(' ')}`, { pid: child.pid });
    const ended = (code: number): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      if (!this.#stopping) this.#onExit(code);
    };
    child.once('error', (cause) => {
      this.#log.error(`cannot start ${command.join(' ')}: ${cause.message}`);
      ended(127);
    });
    child.once('exit', (code, signal) => ended(code ?? 128 + signalNumber(signal)));
  }

  /** Hands a signal on. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) signalTo(this.#process, signal, this.#group);
  }

  /** What it was started for has changed. */
  reload(): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#stopping || this.#process === undefined) return;
      await this.#splay();
      if (this.#stopping) return;
      const { reloadSignal } = this.#settings;
      if (reloadSignal === undefined) {
        await this.#end();
        if (!this.#stopping) this.start();
      } else this.signal(reloadSignal);
    });
  }

  /** Ends it; resolves when it has ended. */
  stop(): Promise<void> {
    this.#stopping = true;
    this.#queue = this.#queue.then(() => this.#end());
    return this.#queue;
  }

  #splay(): Promise<void> {
    const { splay } = this.#settings;
    return splay === 0
      ? Promise.resolve()
      : new Promise((resolve) => setTimeout(resolve, splay * this.#random()));
  }

  #end(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return Promise.resolve();
    // No longer ours: what it ends with is no news.
    this.#process = undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#log.warn(
          `it did not end within ${this.#settings.killTimeout} ms of ${this.#settings.killSignal}: killed`,
        );
        signalTo(child, 'SIGKILL', this.#group);
      }, this.#settings.killTimeout);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      if (child.exitCode !== null || child.signalCode !== null) {
        clearTimeout(timer);
        resolve();
      } else signalTo(child, this.#settings.killSignal, this.#group);
    });
  }
}
