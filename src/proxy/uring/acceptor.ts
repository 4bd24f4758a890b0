import { getSystemErrorName } from 'node:util';
import type { Endpoint } from '../proxy-protocol.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { SpareDescriptor } from '../spare-descriptor.ts';
import { addressAt, portAt, V4_IP } from './calls.ts';
import * as kernel from './kernel.ts';
import { ACCEPTED, CANCELLED, type Loop, type Party, tagOf } from './loop.ts';

/** Accepts that wait at a time. One that goes on by itself would tell no address that can be trusted. */
const ACCEPTS = 16;
/** Where in a place for an address its length lies: how much room there is before the call, how much was used behind it. */
const LENGTH = 32;
/** Newcomers who are refused in one turn at most: connections that are established come in between. */
const REFUSED_AT_ONCE = 256;
/** Texts of addresses that are remembered; then it begins anew. */
const REMEMBERED_ADDRESSES = 4_096;

export interface Accepting {
  accepted(fd: number, from: Endpoint): void;
  /** The system had nothing left for a connection. */
  refused(lack: Lack): void;
  /** With it newcomers are let in to be refused, when there is no other. */
  readonly spare: SpareDescriptor;
}

/** A listening socket on the ring. */
export class Acceptor {
  readonly #loop: Loop;
  readonly #fd: number;
  readonly #owner: Accepting;
  readonly #accepts: Accept[] = [];
  /** By the four bytes of an IPv4 address. */
  readonly #texts = new Map<number, string>();
  #outstanding = 0;
  /** Somebody has come for whom there is no descriptor. */
  #hasNoneLeft = false;
  #isStopping = false;
  #isClosed = false;
  #onClosed = () => {};
  readonly #closed = new Promise<void>((resolve) => {
    this.#onClosed = resolve;
  });

  constructor(loop: Loop, fd: number, owner: Accepting) {
    this.#loop = loop;
    this.#fd = fd;
    this.#owner = owner;
    for (const place of loop.arena.takeAddresses(ACCEPTS)) this.#accepts.push(new Accept(loop, this, place));
    this.retry();
  }

  /**
   * Accepts again where the system had nothing left for it, and looks whether somebody waits in vain: a process that shares the
   * socket and has just let go of it may have been woken in our place. To be called now and then.
   */
  retry(): void {
    const [first] = this.#accepts;
    if (first?.isWaiting === true && !this.#isStopping) first.again();
    for (const accept of this.#accepts) this.#wait(accept);
  }

  #wait(accept: Accept): void {
    if (this.#isStopping || accept.isWaiting) return;
    this.#outstanding++;
    accept.wait(this.#fd);
  }

  completed(accept: Accept, result: number): void {
    this.#outstanding--;
    if (result >= 0) {
      this.#loop.estate.own(result);
      const { place } = accept;
      const port = portAt(this.#loop.arena.bytes, place);
      this.#owner.accepted(result, { address: this.#textOf(place), port });
      this.#wait(accept);
    } else this.#failed(accept, result);
    if (this.#isStopping) this.#close();
  }

  #failed(accept: Accept, result: number): void {
    const lack = lackOf(getSystemErrorName(result));
    // All of the turn that find none are seen to at its end.
    if (lack === 'files') {
      this.#hasNoneLeft = true;
      this.#loop.mark(accept);
    } else if (lack !== undefined) this.#owner.refused(lack);
    // The client went away before it was accepted, or the accept was interrupted. But with EAGAIN, the process that takes over
    // has made the socket one that does not wait: what still comes is its own.
    else if (-result !== kernel.EAGAIN) this.#wait(accept);
  }

  /** Refuses those for whom there is no descriptor. Where that is not possible, they wait until the next `retry`. */
  endTurn(): void {
    if (!this.#hasNoneLeft || this.#isStopping) return;
    this.#hasNoneLeft = false;
    const owner = this.#owner;
    const { spare } = owner;
    const isPossible = spare.giveUp();
    const count = isPossible ? this.#showOut() : 0;
    spare.takeBack();
    for (let i = 0; i < count; i++) owner.refused('files');
    if (!isPossible) owner.refused('files');
    if (count > 0) for (const accept of this.#accepts) this.#wait(accept);
  }

  /** Lets newcomers in one by one and closes them. Answers how many there were; a descriptor has to be free. */
  #showOut(): number {
    const { libc } = this.#loop;
    let count = 0;
    // A call of ours must not wait for somebody to come, while those of the ring have to.
    libc.setNonBlocking(this.#fd, true);
    for (; count < REFUSED_AT_ONCE; count++) {
      const client = libc.accept(this.#fd);
      if (client < 0) break;
      libc.close(client);
    }
    libc.setNonBlocking(this.#fd, false);
    return count;
  }

  /** Takes no more connections; those that the kernel hands out meanwhile still come, until this resolves. Idempotent. */
  stop(): Promise<void> {
    if (!this.#isStopping) {
      this.#isStopping = true;
      const [first] = this.#accepts;
      if (this.#outstanding > 0 && first !== undefined) first.cancelAll(this.#fd);
      else this.#close();
    }
    return this.#closed;
  }

  #close(): void {
    if (this.#outstanding > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#loop.closeDescriptor(this.#fd);
    for (const accept of this.#accepts) accept.leave();
    this.#onClosed();
  }

  #textOf(place: number): string {
    const { bytes, ints } = this.#loop.arena;
    if (bytes[place] !== kernel.AF_INET) return addressAt(bytes, place);
    const key = ints[(place + V4_IP) >> 2]!;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    if (this.#texts.size >= REMEMBERED_ADDRESSES) this.#texts.clear();
    const text = addressAt(bytes, place);
    this.#texts.set(key, text);
    return text;
  }
}

/** One accept after the other, with a place for the client's address. */
class Accept implements Party {
  generation = 0;
  readonly place: number;
  isWaiting = false;
  readonly #loop: Loop;
  readonly #acceptor: Acceptor;
  readonly #number: number;
  /** Cancels of its own that are under way: meanwhile its number may not be given to another. */
  #cancels = 0;
  #isLeaving = false;

  constructor(loop: Loop, acceptor: Acceptor, place: number) {
    this.#loop = loop;
    this.#acceptor = acceptor;
    this.place = place;
    this.#number = loop.join(this);
  }

  wait(fd: number): void {
    const { arena, ring } = this.#loop;
    arena.ints[(this.place + LENGTH) >> 2] = LENGTH;
    this.isWaiting = true;
    const tag = tagOf(this.#number, ACCEPTED);
    ring.accept(fd, arena.low(this.place), arena.low(this.place + LENGTH), tag, this.generation);
  }

  /** Is ended, and begun anew by its owner: an accept looks first whether somebody is there already. */
  again(): void {
    if (this.#cancels > 0) return;
    this.#cancels++;
    const { generation } = this;
    const tag = tagOf(this.#number, CANCELLED);
    this.#loop.ring.cancel(tagOf(this.#number, ACCEPTED), generation, tag, generation);
  }

  cancelAll(fd: number): void {
    this.#cancels++;
    this.#loop.ring.cancelAll(fd, tagOf(this.#number, CANCELLED), this.generation);
  }

  completed(kind: number, result: number): void {
    if (kind === CANCELLED) {
      this.#cancels--;
      if (this.#isLeaving) this.leave();
      return;
    }
    this.isWaiting = false;
    this.#acceptor.completed(this, result);
  }

  endTurn(): void {
    this.#acceptor.endTurn();
  }

  leave(): void {
    this.#isLeaving = true;
    if (this.#cancels > 0) return;
    this.#loop.arena.giveAddress(this.place);
    this.#loop.leave(this.#number);
  }
}
