/** A connected socket on the ring. Reads come by themselves, into slots; what is sent waits in a queue of slots. It is closed when nothing of it is outstanding. */
import { SLOT_ROOM, slotAt } from './arena.ts';
import { closeWithReset, connectError, unread } from './calls.ts';
import * as kernel from './kernel.ts';
import { CANCELLED, CONNECTED, type Loop, type Party, RECEIVED, SENT, tagOf } from './loop.ts';
import { Receiver } from './receiver.ts';
import { SendQueue } from './send-queue.ts';

/** How far a socket is. */
const DIALLING = 0;
const OPEN = 1;
/** No event but `onClosed` comes any more. */
const CLOSING = 2;
const CLOSED = 3;

export abstract class RingSocket implements Party {
  generation = 0;
  /** The peer sent FIN. */
  hasEnded = false;
  protected readonly loop: Loop;
  protected fd = -1;
  readonly #number: number;

  #stage = DIALLING;
  /** A connect is under way. */
  #isConnecting = false;
  #isClean = true;
  #isReset = false;
  #isCutOff = false;

  readonly #receiver: Receiver;
  /** So many of the bytes that come next are only passed on, to `#sink`, past the slots. */
  #passing = 0;
  #sink: RingSocket | undefined;
  /** Who is to have all that is received. */
  #partner: object | undefined;
  /** What was received last leaves open whether there is more. */
  #mayHaveMore = false;
  /** Who passes bytes on to this one. */
  #source: RingSocket | undefined;

  readonly #queue: SendQueue;
  /** A `send` has said false: `onDrained` is owed. */
  #isSlow = false;
  #isMarked = false;

  constructor(loop: Loop) {
    this.loop = loop;
    this.#queue = new SendQueue(loop);
    this.#number = loop.join(this);
    this.#receiver = new Receiver(loop, this.#number, this.generation);
  }

  protected abstract onReceived(start: number, end: number): void;
  /** The peer sent FIN: nothing is received any more. */
  protected abstract onEnded(): void;
  /** The queue is short again after `send` said false. */
  protected abstract onDrained(): void;
  /** The peer took a part of what is queued. */
  protected abstract onProgress(): void;
  /** Bytes were passed on: `passTo`. `accepted`: as `sendRange` says of them. */
  protected onPassed(_length: number, _accepted: boolean): void {}
  /** The connect that was under way has come to its end: what poll says of the descriptor, or an error number. */
  protected onSettled(_result: number): void {}
  /** It is gone. Not clean: by an error, or it never was there. */
  protected abstract onClosed(isClean: boolean): void;

  // What owners ask for

  /** It is connected: reads from now on. `first`: how the first read is done (RECEIVE_*). */
  protected opened(fd: number, first = 0): void {
    this.fd = fd;
    this.#stage = OPEN;
    this.#receive(first);
  }

  /** A connect is under way; `onSettled` or `onClosed` follows. */
  protected connecting(fd: number): void {
    this.fd = fd;
    this.#isConnecting = true;
    this.loop.ring.poll(fd, kernel.POLLOUT, tagOf(this.#number, CONNECTED), this.generation);
  }

  get isOpen(): boolean {
    return this.#stage === OPEN;
  }

  /** It is gone, or about to go. */
  protected get isEnding(): boolean {
    return this.#stage >= CLOSING;
  }

  /** Nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  /**
   * Sends a range: of the arena from where it was received, when that is worth it; else from a copy. False: hold the other
   * side back until `onDrained`.
   */
  protected sendRange(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isEnding || end === start) return true;
    if (!this.#queue.add(bytes, start, end)) this.fail();
    this.#mark();
    if (!this.#queue.isLong) return true;
    this.#isSlow = true;
    return false;
  }

  /**
   * The next `length` bytes received are only to go to another socket, where the two and the system can do that by themselves: `onPassed`
   * tells of them instead of `onReceived`. To be said again when some of them are received after all.
   */
  protected passTo(to: object, length: number): void {
    if (!(to instanceof RingSocket) || !this.loop.pipe.isOpen || this.isEnding) return;
    if (this.#sink !== to) this.#stopPassing();
    this.#sink = to;
    to.#source = this;
    this.#passing = length;
    this.#receiver.stepAside();
  }

  /** All that is received from now on is only to go to another socket: passed on, as `passTo` does, while much of it comes. */
  protected passMuchTo(to: object): void {
    this.#partner = to;
  }

  /** All that has come was received: nothing is to be passed on, nothing lies behind what was received last. */
  protected get isRead(): boolean {
    return this.#sink === undefined && (!this.#mayHaveMore || unread(this.loop, this.fd) === 0);
  }

  pause(): void {
    this.#receiver.isPaused = true;
    this.#receiver.stop();
  }

  resume(): void {
    this.#receiver.isPaused = false;
    this.#receive();
  }

  /** Half-closes behind everything sent; closes when the peer has ended too. */
  end(): void {
    this.#queue.end();
    this.#mark();
  }

  /** Closes behind everything sent. */
  finish(): void {
    this.#queue.finish();
    this.#mark();
  }

  destroy(): void {
    this.#beginClosing();
  }

  /** So that the peer sees an error. */
  reset(): void {
    if (this.fd < 0 || this.isEnding) return;
    closeWithReset(this.loop, this.fd);
    this.#isReset = true;
    this.#beginClosing();
  }

  /** Ends it as something that failed. */
  protected fail(): void {
    if (this.isEnding) return;
    this.#isClean = false;
    this.#beginClosing();
  }

  // What the ring tells

  completed(kind: number, result: number, flags: number): void {
    switch (kind) {
      case RECEIVED:
        this.#received(result, flags);
        return;
      case SENT:
        this.#sent(result);
        return;
      case CONNECTED:
        this.#isConnecting = false;
        if (this.isEnding) this.#close();
        else this.onSettled(result);
        return;
      case CANCELLED:
        this.#receiver.cancels--;
        if (this.isEnding) this.#close();
        else if (this.#receiver.isPaused) this.#receiver.stop();
        else this.#receive();
    }
  }

  #received(result: number, flags: number): void {
    const { loop } = this;
    if (this.#receiver.completed(flags)) {
      // Whatever it was: the next attempt tells.
      if (this.isEnding) this.#close();
      else this.#mark();
      return;
    }
    if ((flags & kernel.HAS_BUFFER) !== 0) {
      let slot = flags >>> 16;
      let left = result;
      while (left > SLOT_ROOM) {
        const behind = loop.slots.behind(slot);
        this.#read(slot, SLOT_ROOM);
        slot = behind;
        left -= SLOT_ROOM;
      }
      this.#read(slot, left);
    }
    if (this.isEnding) {
      this.#close();
      return;
    }
    if (result > 0) {
      this.#receiver.received(result);
      if (result >= SLOT_ROOM && this.#partner !== undefined)
        this.passTo(this.#partner, Number.POSITIVE_INFINITY);
      if (!this.#receiver.isWaiting) this.#mark();
      else if (this.#receiver.mayMissReset(flags) && connectError(loop, this.fd) !== 0) this.fail();
    } else if (result === 0) this.#ended();
    else if (result === -kernel.ENOBUFS) this.loop.starve(this);
    else if (kernel.AGAIN.has(-result)) this.#mark();
    else this.fail();
  }

  /** The first `length` bytes of a slot were received. */
  #read(slot: number, length: number): void {
    const { loop } = this;
    loop.slots.read(slot);
    if (length > 0 && !this.isEnding) {
      if (this.#sink !== undefined) this.#passed(length);
      this.#mayHaveMore = length === SLOT_ROOM;
      loop.reading = slot;
      const at = slotAt(slot);
      this.onReceived(at, at + length);
      if (loop.reading === slot) loop.slots.reoffer(slot);
      loop.reading = -1;
    } else loop.slots.reoffer(slot);
  }

  #ended(): void {
    this.hasEnded = true;
    this.#stopPassing();
    this.onEnded();
    this.#mark();
  }

  #sent(result: number): void {
    this.#queue.sent(result);
    if (this.isEnding) {
      this.#close();
      return;
    }
    if (result < 0) {
      if (kernel.AGAIN.has(-result)) this.#mark();
      else this.fail();
      return;
    }
    if (this.#isSlow) {
      if (this.#queue.isShort) {
        this.#isSlow = false;
        this.onDrained();
      } else this.onProgress();
    }
    if (!this.#queue.isDone) this.#mark();
    if (this.#queue.isEmpty && this.#source !== undefined) this.#source.#mark();
  }

  endTurn(): void {
    this.#isMarked = false;
    if (this.isEnding) {
      this.#close();
      return;
    }
    if (this.#sink !== undefined) this.#passOn(this.#sink);
    else this.#receive();
    if (this.#stage === OPEN && !this.#queue.isSending) this.#sendNext();
  }

  #sendNext(): void {
    const queue = this.#queue;
    const isFollowed = this.#source !== undefined;
    if (!queue.isEmpty)
      queue.send(this.fd, this.#isSlow, isFollowed, tagOf(this.#number, SENT), this.generation);
    else if (queue.settle(this.fd, this.hasEnded)) {
      this.#stage = CLOSING;
      this.#close();
    }
  }

  /** Reads, or passes on at the end of the turn, if that is wanted and not under way. `first`: how the first read is done. */
  #receive(first = 0): void {
    if (!this.#mayReceive) return;
    if (this.#sink === undefined) this.#receiver.receive(this.fd, first);
    else this.#mark();
  }

  get #mayReceive(): boolean {
    return this.#receiver.isIdle && this.isOpen && !this.hasEnded && !this.#queue.isFinishing;
  }

  /** Passes on what has come, and sees to it that what is still to come will be. */
  #passOn(sink: RingSocket): void {
    const { pipe } = this.loop;
    if (!this.#mayReceive) return;
    if (!pipe.isOpen || !sink.isOpen) this.#stopPassing();
    // It calls when it has sent all it had: nothing may overtake that.
    else if (!sink.#queue.isEmpty) return;
    else this.#moved(pipe.fill(this.fd, Math.min(this.#passing, sink.#queue.appetite)), sink);
    if (this.#sink === undefined) this.#receive();
    else if (this.#mayReceive) this.#receiver.poll(this.fd);
  }

  /** So much is in the pipe; 0: the peer sent FIN; negative: an error number. */
  #moved(length: number, sink: RingSocket): void {
    if (length > 0) {
      this.#mayHaveMore = true;
      this.#passed(length);
      if (length < SLOT_ROOM && this.#partner !== undefined) this.#stopPassing();
      this.onPassed(length, sink.#pour());
    } else if (length === 0) this.#ended();
    else if (length === -kernel.EAGAIN || length === -kernel.EINTR) sink.#queue.push(sink.fd);
    else if (this.loop.pipe.isOpen) this.fail();
    else this.#stopPassing();
  }

  /** So many bytes less are to be passed on. */
  #passed(length: number): void {
    this.#passing -= length;
    if (this.#passing <= 0) this.#stopPassing();
  }

  #stopPassing(): void {
    if (this.#sink === undefined) return;
    this.#sink.#source = undefined;
    this.#sink = undefined;
    this.#passing = 0;
  }

  /** Takes what the pipe holds, behind everything else. The answer is as of `sendRange`. */
  #pour(): boolean {
    if (!this.#queue.pour(this.fd)) this.fail();
    if (this.isEnding || this.#queue.isEmpty) return true;
    this.#isSlow = true;
    this.#mark();
    return false;
  }

  #beginClosing(): void {
    if (this.#stage >= CLOSING) return;
    this.#stage = CLOSING;
    this.#stopPassing();
    if (this.#source !== undefined) this.#source.#mark();
    this.#mark();
  }

  /** Closes, or brings to an end what is outstanding first. */
  #close(): void {
    if (this.#stage === CLOSED) return;
    if (this.#receiver.isWaiting || this.#isConnecting || this.#queue.isSending) {
      this.#cutOff();
      return;
    }
    if (this.#receiver.cancels > 0) return;
    this.#stage = CLOSED;
    this.#queue.discard();
    if (this.fd >= 0) this.loop.closeDescriptor(this.fd);
    this.fd = -1;
    this.loop.leave(this.#number);
    this.onClosed(this.#isClean);
  }

  /**
   * Makes everything outstanding complete. A shutdown does, but would tell the peer that all is well; and not of a connection that a peer has
   * reset whose error a send was told of: the kernel has a receive wait there that had just taken the last bytes.
   */
  #cutOff(): void {
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    const { libc, ring } = this.loop;
    if (!this.#isReset && !this.#isConnecting && libc.shutdown(this.fd, kernel.SHUT_RDWR) >= 0) return;
    this.#receiver.cancels++;
    ring.cancelAll(this.fd, tagOf(this.#number, CANCELLED), this.generation);
  }

  #mark(): void {
    if (this.#isMarked || this.#stage === CLOSED) return;
    this.#isMarked = true;
    this.loop.mark(this);
  }
}
