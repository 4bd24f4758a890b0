/** The sockets of a fleet's listeners that were open before there was a fleet, and what is told of those in use. */
import { closeSync } from 'node:fs';
import type { Sockets } from '../lib/sockets.ts';
import type { ListenerSpec } from './listener-spec.ts';

interface Entry {
  /** Ours as long as the listener is there, so that no connection is lost with a worker; workers get others of the same sockets. */
  readonly held: readonly number[];
  readonly withdraw: () => void;
}

export class Doors {
  readonly #sockets: Sockets;
  readonly #entries = new Map<string, Entry>();

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  /** `inUse`: the sockets that the workers listen on. */
  open({ id, host, port, protocol }: ListenerSpec, inUse: () => readonly number[]): void {
    const place = { kind: protocol === 'udp' ? 'udp' : 'tcp', host, port } as const;
    this.#entries.set(id, {
      held: this.#sockets.claim(place),
      withdraw: this.#sockets.offer(place, inUse),
    });
  }

  /**
   * Sockets for one of `workers`; undefined: it opens its own. Each socket has somebody who listens on it, since connections wait
   * in it; where there are fewer than workers, some share one.
   */
  descriptorsFor(id: string, worker: number, workers: number): number[] | undefined {
    const held = this.#entries.get(id)?.held ?? [];
    if (held.length === 0) return undefined;
    const mine =
      held.length < workers
        ? [held[worker % held.length] as number]
        : held.filter((_, at) => at % workers === worker);
    return mine.map((fd) => this.#sockets.duplicate(fd));
  }

  close(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    entry.withdraw();
    for (const fd of entry.held) closeSync(fd);
  }
}
