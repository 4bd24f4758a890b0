import { randomUUID } from 'node:crypto';

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

/** Consul keeps as many; older ones are forgotten. */
const MAX_EVENTS = 256;

/** The events that reached this node, oldest first. In memory only: an event is told, not kept. */
export class EventLog {
  #events: UserEvent[] = [];
  #time = 0;
  readonly #waiters = new Set<() => void>();

  /** Makes an event. It is in the list only once it is received. */
  fire(event: Omit<UserEvent, 'id' | 'time'>): UserEvent {
    return { ...event, id: randomUUID(), time: ++this.#time };
  }

  /** Takes up an event that is meant for this node. */
  receive(event: UserEvent): void {
    this.#time = Math.max(this.#time, event.time);
    this.#events = [...this.#events, event].slice(-MAX_EVENTS);
    for (const wake of [...this.#waiters]) wake();
  }

  /** Events with this name, or all for "". */
  list(name: string): readonly UserEvent[] {
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
