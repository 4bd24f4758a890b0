import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../../route/table.ts';
import { type Waiter, WaitingRoom } from './waiting-room.ts';

const ROUTE = { id: 'one' } as Route;

/** A route whose one instance takes a request every `pace` ms, and a clock that stands until it is told. */
class Counter {
  time = 0;
  #hasRoom = false;
  readonly served: Waiter[] = [];
  readonly room: WaitingRoom;

  constructor(most = 1_000) {
    this.room = new WaitingRoom({ most, soon: (task) => task(), now: () => this.time });
  }

  waiter(): Waiter {
    const waiter: Waiter = {
      isPicky: false,
      admit: () => {
        if (!this.#hasRoom) return false;
        this.#hasRoom = false;
        this.served.push(waiter);
        return true;
      },
    };
    return waiter;
  }

  enter(patience: number, waiter = this.waiter()): boolean {
    return this.room.enter(ROUTE, waiter, patience);
  }

  /** The instance has finished one, `pace` ms after the last. */
  serve(pace: number): void {
    this.time += pace;
    this.#hasRoom = true;
    this.room.freed();
  }
}

describe('the waiting room', () => {
  it('lets in who comes first, first', () => {
    const counter = new Counter();
    const waiters = [counter.waiter(), counter.waiter(), counter.waiter()];
    for (const one of waiters) expect(counter.enter(5_000, one)).toBe(true);
    for (let n = 0; n < 3; n++) counter.serve(10);
    expect(counter.served).toEqual(waiters);
  });

  it('lets those in last whose clients have ended, one behind the other, and drops none of them', () => {
    const counter = new Counter(3);
    const [ended, gone, ...others] = Array.from({ length: 5 }, () => counter.waiter());
    for (const one of [ended!, gone!]) {
      counter.enter(5_000, one);
      expect(counter.room.defer(ROUTE, one)).toBe(true);
    }
    // They take nobody's place.
    for (const one of others) expect(counter.enter(5_000, one)).toBe(true);
    for (let n = 0; n < 3; n++) counter.serve(10);
    expect(counter.served).toEqual(others);
    for (let n = 0; n < 2; n++) counter.serve(10);
    expect(counter.served).toEqual([...others, ended, gone]);
    expect(counter.room.defer(ROUTE, ended!)).toBe(true);
  });

  it('holds no more of those whose clients have ended than it may', () => {
    const counter = new Counter(2);
    const deferred = Array.from({ length: 3 }, () => {
      const one = counter.waiter();
      counter.enter(5_000, one);
      return counter.room.defer(ROUTE, one);
    });
    expect(deferred).toEqual([true, true, false]);
  });

  it('holds no more than it may', () => {
    const counter = new Counter(2);
    expect([counter.enter(5_000), counter.enter(5_000), counter.enter(5_000)]).toEqual([true, true, false]);
    expect(new Counter(0).enter(5_000)).toBe(false);
  });

  it('refuses at once who would wait in vain, and nobody before it knows the pace', () => {
    const counter = new Counter();
    for (let n = 0; n < 40; n++) expect(counter.enter(1_000)).toBe(true);
    for (let n = 0; n < 10; n++) counter.serve(100);
    // Thirty wait, one gets on every 100 ms: three seconds.
    expect(counter.enter(1_000)).toBe(false);
    expect(counter.enter(3_200)).toBe(true);
  });

  it('takes up again when those who wait get on more quickly', () => {
    const counter = new Counter();
    for (let n = 0; n < 200; n++) counter.enter(60_000);
    for (let n = 0; n < 20; n++) counter.serve(100);
    expect(counter.enter(2_000)).toBe(false);
    for (let n = 0; n < 60; n++) counter.serve(5);
    expect(counter.enter(2_000)).toBe(true);
  });

  it('knows nothing of the pace of who waited before: an empty queue is forgotten', () => {
    const counter = new Counter();
    for (let n = 0; n < 9; n++) counter.enter(60_000);
    for (let n = 0; n < 9; n++) counter.serve(10_000);
    for (let n = 0; n < 5; n++) expect(counter.enter(1)).toBe(true);
  });

  it('lets somebody in past those who do not take what came free, and asks them first the next time', () => {
    const counter = new Counter();
    let takes = false;
    const served: Waiter[] = [];
    const picky: Waiter = { isPicky: true, admit: () => takes && served.push(picky) > 0 };
    counter.enter(5_000, picky);
    const [second, third] = [counter.waiter(), counter.waiter()];
    counter.enter(5_000, second);
    counter.enter(5_000, third);
    counter.serve(10);
    expect(counter.served).toEqual([second]);
    takes = true;
    counter.room.freed();
    expect(served).toEqual([picky]);
    counter.serve(10);
    expect(counter.served).toEqual([second, third]);
  });

  it('passes over nobody else, and not over any number', () => {
    const counter = new Counter();
    let asked = 0;
    const refuses = (isPicky: boolean): Waiter => ({
      isPicky,
      admit: () => {
        asked++;
        return false;
      },
    });
    counter.enter(5_000, refuses(false));
    counter.enter(5_000, refuses(false));
    counter.room.freed();
    expect(asked).toBe(1);
    const other = new Counter();
    for (let n = 0; n < 500; n++) other.enter(5_000, refuses(true));
    asked = 0;
    other.room.freed();
    expect(asked).toBe(64);
  });

  it('at a steady pace keeps whoever it lets in no longer than they wait, give or take one turn', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 3, max: 50 }), (pace, turns) => {
        const patience = turns * pace;
        const counter = new Counter();
        const since = new Map<Waiter, number>();
        const come = () => {
          const waiter = counter.waiter();
          if (counter.enter(patience, waiter)) since.set(waiter, counter.time);
        };
        // Two come for every one that is served.
        for (let n = 0; n < 20; n++) come();
        for (let n = 0; n < 400; n++) {
          counter.serve(pace);
          come();
          come();
        }
        for (let n = counter.served.length; n < since.size; n++) counter.serve(pace);
        let at = 0;
        for (const [n, waiter] of counter.served.entries()) {
          at = (n + 1) * pace;
          // Before the pace is known all are let in: those are the first twenty-four.
          if (n >= 36) expect(at - since.get(waiter)!).toBeLessThanOrEqual(patience + 2 * pace);
        }
      }),
    );
  });
});
