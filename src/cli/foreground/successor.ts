/** The process that is to replace this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { MusterError, messageOf } from '../../errors.ts';
import type { Sockets } from '../../lib/sockets.ts';
import { type FromSuccessor, SUCCESSION, type Succession, type ToSuccessor } from './messages.ts';

/** Standard input, output and error, the channel, the lifeline: what comes before the sockets. */
const LIFELINE = 4;
const FIRST_SOCKET = 5;

/** Reading a configuration and certificates takes a second (ms); loading a large catalog takes some more. */
const PREPARE = 30_000;
const START = 180_000;

export class Successor {
  readonly pid: number;
  /** This process's end of the lifeline; undefined when the successor has that of this process. */
  readonly lifeline: Readable | undefined;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  #isServing = false;

  private constructor(child: ChildProcess, lifeline: Readable | undefined) {
    this.#child = child;
    this.lifeline = lifeline;
    this.pid = child.pid ?? -1;
    this.#ended = new Promise((_, reject) => {
      let why = '';
      child.on('message', (message: FromSuccessor) => {
        if (message.type === 'failed') why = message.why;
      });
      child.on('error', (cause) => reject(refusal(messageOf(cause))));
      child.once('exit', (code, signal) => {
        const end = () =>
          reject(refusal(why || `it ended with ${signal ?? `exit code ${code}`}; its output says why`));
        // What it said before it ended may still be on its way.
        if (child.connected) child.once('disconnect', end);
        else end();
      });
    });
    // For when nobody waits for it any more; `#hears` does, and rejects with it.
    this.#ended.catch(() => {});
  }

  /**
   * Starts the program anew as this one was started, with the sockets that are in use; resolves when it has read its
   * configuration. `lifeline`: a descriptor of this process's own to hand on, or a new one, or none. Rejects with why it cannot.
   */
  static async start(sockets: Sockets, lifeline: number | 'new' | 'none'): Promise<Successor> {
    const inUse = sockets.inUse();
    const succession: Succession = {
      sockets: inUse.map(({ asked }, at) => ({ fd: FIRST_SOCKET + at, asked })),
      ...(lifeline === 'none' ? {} : { lifeline: LIFELINE }),
    };
    const line = lifeline === 'none' ? 'ignore' : lifeline === 'new' ? 'pipe' : lifeline;
    const [, ...words] = process.argv;
    const child = spawn(process.execPath, [...process.execArgv, ...words], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', line, ...inUse.map(({ fd }) => fd)],
      env: { ...process.env, [SUCCESSION]: JSON.stringify(succession) },
      // A signal of the terminal is for the process that was started there, which passes it on.
      detached: true,
    });
    const end = child.stdio[LIFELINE] as Readable | null | undefined;
    const successor = new Successor(child, end ?? undefined);
    try {
      await successor.#hears('prepared', PREPARE, 'it did not read its configuration in time');
      return successor;
    } catch (error) {
      successor.kill();
      throw error;
    }
  }

  /** It is its turn, and the secret is its own. Resolves when it serves; rejects with why it does not. */
  async takeOver(secret: string): Promise<void> {
    const serving = this.#hears('serving', START, 'it did not serve in time');
    const message: ToSuccessor = { type: 'go-on', secret };
    this.#child.send(message);
    await serving;
    this.#isServing = true;
    // This process may end before that one does.
    this.#child.unref();
  }

  /** Unless it serves already. Resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#isServing) return;
    this.#child.kill('SIGKILL');
    // It rejects with every end; this one was wanted.
    await this.#ended.catch(() => {});
  }

  async #hears(type: FromSuccessor['type'], patience: number, otherwise: string): Promise<void> {
    const child = this.#child;
    let end = (): void => {};
    const heard = new Promise<void>((resolve, reject) => {
      const hear = (message: FromSuccessor): void => {
        if (message.type === type) resolve();
      };
      const timer = setTimeout(() => reject(refusal(otherwise)), patience);
      child.on('message', hear);
      end = () => {
        clearTimeout(timer);
        child.off('message', hear);
      };
    });
    try {
      await Promise.race([heard, this.#ended]);
    } finally {
      end();
    }
  }
}

function refusal(why: string): MusterError {
  return new MusterError('request.rejected', `the new process could not take over, this one goes on: ${why}`);
}
