/**
 * Changes of routes and pools on their way to a worker. How many went in stands in shared memory beside the port that carries them: a
 * worker looks there before it routes, and takes what its loop has not come to yet. So every request that comes after a
 * change was published is routed by it, however long the thread would take to wake.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { PoolDelta } from '../route/pool-spec.ts';
import type { RouteDelta } from '../route/spec.ts';

export type Delta =
  | { readonly type: 'routes'; readonly delta: RouteDelta }
  | { readonly type: 'pools'; readonly delta: PoolDelta };

/** The worker's end; the port has to be transferred. */
export interface DeltaEnd {
  readonly port: MessagePort;
  /** One int: how many were sent. */
  readonly sent: SharedArrayBuffer;
}

export class DeltaSender {
  readonly end: DeltaEnd;
  readonly #port: MessagePort;
  readonly #sent: Int32Array;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#sent = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.end = { port: port2, sent: this.#sent.buffer as SharedArrayBuffer };
    // Answers come another way: nobody has to stay for it.
    port1.unref();
  }

  send(delta: Delta): void {
    this.#port.postMessage(delta);
    // Last: whoever sees the number finds the message.
    Atomics.add(this.#sent, 0, 1);
  }
}

export class DeltaReceiver {
  readonly #port: MessagePort;
  readonly #sent: Int32Array;
  readonly #apply: (delta: Delta) => void;
  #taken = 0;

  /** `apply` is called for each, in the order in which they were sent, and must not throw. */
  constructor({ port, sent }: DeltaEnd, apply: (delta: Delta) => void) {
    this.#port = port;
    this.#sent = new Int32Array(sent);
    this.#apply = apply;
    // For a worker without traffic; it need not stay for them.
    port.on('message', (delta: Delta) => this.#take(delta));
    port.unref();
  }

  /** Hot path, mostly one look: applies what was sent before now. */
  readonly catchUp = (): void => {
    if (Atomics.load(this.#sent, 0) === this.#taken) return;
    for (;;) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) return;
      this.#take(next.message);
    }
  };

  #take(delta: Delta): void {
    this.#taken = (this.#taken + 1) | 0;
    this.#apply(delta);
  }
}
