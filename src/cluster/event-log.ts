import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../lib/clock.ts';

/** A custom event, as fired. */
export interface UserEvent {
  readonly id: string;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Regular expressions; "" lets everybody through. */
  readonly nodeFilter: string;
  readonly serviceFilter: string;
  readonly tagFilter: string;
  /** Lamport time: events later in the list have a higher one. */
  readonly time: number;
}

/** One that reached this node. */
export interface ReceivedEvent extends UserEvent {
  /** By this node's clock, ms since the epoch. */
  readonly receivedAt: number;
}

/** Consul keeps as many; older ones are forgotten. */
const MAX_EVENTS = 256;

/** The events that reached this node, oldest first. In memory only: an event is told, not kept. */
export class EventLog {
  readonly #clock: Pick<Clock, 'now'>;
  #events: ReceivedEvent[] = [];
  #time = 0;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock;
  }

  /** Makes an event. It is in the list only once it is received. */
  fire(event: Omit<UserEvent, 'id' | 'time'>): UserEvent {
    return { ...event, id: randomUUID(), time: ++this.#time };
  }

  /** Takes up an event that is meant for this node. */
  receive(event: UserEvent): void {
    this.#time = Math.max(this.#time, event.time);
    this.#events = [...this.#events, { ...event, receivedAt: this.#clock.now() }].slice(-MAX_EVENTS);
    for (const wake of [...this.#waiters]) wake();
  }

  /** Calls `task` after each event that is received; the answer ends it. */
  subscribe(task: () => void): () => void {
    this.#waiters.add(task);
    return () => this.#waiters.delete(task);
  }

  /** Events with this name, or all for "". */
  list(name: string): readonly ReceivedEvent[] {
    return name === '' ? this.#events : this.#events.filter((event) => event.name === name);
  }

  /** Resolves with the next event, or once `signal` is aborted. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end);
        this.#waiters.delete(end);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      this.#waiters.add(end);
    });
  }
}
