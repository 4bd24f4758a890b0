import { Worker } from 'node:worker_threads';
import { MusterError } from '../errors.ts';
import { createCounterBlock } from './counters.ts';
import { DeltaSender, type PackedDelta } from './deltas.ts';
import type { Ejection } from './ejector.ts';
import type { Farewell } from './farewell.ts';
import type { FromWorker, ToWorker, WorkerOrders } from './messages.ts';
import type { ChallengeAnswers } from './tls/spec.ts';
import { Estate } from './uring/estate.ts';

/** Beyond the patience of a drain (ms), for a worker that does not answer. */
const LATE = 1_000;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** One worker as the main thread knows it. */
export class FleetMember {
  readonly worker: Worker;
  /** What is outside of JavaScript of it, to be closed when it has ended. */
  readonly estate = new Estate();
  readonly counters = createCounterBlock();
  readonly #deltas = new DeltaSender();
  /** It will be woken for its deltas at the end of this turn. */
  #isToLook = false;
  readonly startedAt = Date.now();
  applied = 0;
  poolsApplied = 0;
  /** It has told of all listeners it began with. */
  ready = false;
  /** By instance id. */
  readonly ejections = new Map<string, Ejection>();
  /** Why the system does not let it use the transport. */
  refusal: string | undefined;
  /** The listeners it takes connections on, with their sockets. */
  readonly #listening = new Map<string, readonly number[]>();
  /** Who waits to hear of a listener, by its id. */
  readonly #waiting = new Map<string, Waiting>();

  /** Which of the workers it is, from 0: no two that live have the same, one that takes the place of another has its index. */
  readonly index: number;

  /** Starts the bundle at `url`. */
  constructor(url: URL, orders: Omit<WorkerOrders, 'estate' | 'counters' | 'deltas'>) {
    const { estate, counters } = this;
    this.index = orders.neighbourhood.index;
    const deltas = this.#deltas.end;
    const workerData: WorkerOrders = { ...orders, estate: estate.shared, counters, deltas };
    this.worker = new Worker(url, { workerData, transferList: [deltas.port] });
  }

  send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  /**
   * In force for every request that comes from now on. Who has no traffic is woken at the end of this turn of the loop, for all that changed in it: behind
   * the acknowledgement, for a thread that wakes takes the processor from the one that writes it.
   */
  change(delta: PackedDelta): void {
    this.#deltas.send(delta);
    if (this.#isToLook) return;
    this.#isToLook = true;
    setImmediate(() => {
      this.#isToLook = false;
      this.send({ type: 'look' });
    });
  }

  /** Whether it listens there, or was told to. */
  knows(id: string): boolean {
    return this.#listening.has(id) || this.#waiting.has(id);
  }

  /** Of a listener that it was told of: resolves when it listens there; rejects with why it cannot. */
  told(id: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  listens(id: string, descriptors: readonly number[]): void {
    this.#listening.set(id, descriptors);
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }

  fails(id: string, error: Error): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }

  close(id: string, patience: number): void {
    this.#listening.delete(id);
    this.send({ type: 'close', id, farewell: { patience, isReplaced: false } });
  }

  /** The sockets that it listens on there. */
  descriptorsOf(id: string): readonly number[] {
    return this.#listening.get(id) ?? [];
  }

  /** It is gone: nobody has to wait for it. */
  abandon(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(endedEarly());
    this.#waiting.clear();
  }

  /** Resolves when it answers ACME authorities so, or has ended. */
  answer(number: number, answers: ChallengeAnswers): Promise<void> {
    const answered = this.#heard((message) => message.type === 'challenges' && message.number >= number);
    this.send({ type: 'challenges', number, answers });
    return answered;
  }

  /** Lets what is under way finish, then ends it. */
  async end(farewell: Farewell): Promise<void> {
    const drained = this.#heard((message) => message.type === 'drained');
    const late = new Promise<void>((resolve) => setTimeout(resolve, farewell.patience + LATE).unref());
    this.send({ type: 'drain', farewell });
    await Promise.race([drained, late]);
    await this.worker.terminate();
  }

  /** Resolves at such a message, or when it has ended. */
  #heard(isIt: (message: FromWorker) => boolean): Promise<void> {
    const { worker } = this;
    return new Promise((resolve) => {
      const hear = (message: FromWorker): void => {
        if (isIt(message)) end();
      };
      const end = (): void => {
        worker.off('message', hear);
        worker.off('exit', end);
        resolve();
      };
      worker.on('message', hear);
      worker.on('exit', end);
    });
  }
}

export function endedEarly(): MusterError {
  return new MusterError('internal', 'a proxy worker ended before it listened');
}
