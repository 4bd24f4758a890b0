import { nodeTurn } from '../node-turn.ts';
import type { TcpLink } from '../tcp/links.ts';
import type { RelayWire } from './relay-wire.ts';

/** One side of a relayed connection. */
export class TcpEnd implements TcpLink {
  readonly #wire: RelayWire;
  /** What came last was not taken yet. */
  #isHeld = false;
  #isOver = false;

  constructor(wire: RelayWire) {
    this.#wire = wire;
  }

  /** The session wants to hear nothing more of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    nodeTurn.isDue = true;
    return this.#wire.sender.send(bytes, start, end);
  }

  pause(): void {
    nodeTurn.isDue = true;
    this.#isHeld = true;
    this.#wire.pause();
  }

  resume(): void {
    nodeTurn.isDue = true;
    this.#isHeld = false;
    this.#wire.resume();
  }

  end(): void {
    nodeTurn.isDue = true;
    this.#wire.sender.end();
  }

  finish(): void {
    nodeTurn.isDue = true;
    this.#isOver = true;
    this.#wire.sender.finish();
  }

  reset(): void {
    nodeTurn.isDue = true;
    this.#isOver = true;
    this.#wire.reset();
  }

  /** To be called when the connection is closed. */
  closed(): void {
    this.#wire.released(this.#isHeld);
  }
}
