/**
 * A connected socket on the ring. Reads come by themselves, into slots; what is sent waits in a queue of slots. It is closed when
 * nothing of it is outstanding.
 */
import { SLOT_ROOM, slotAt } from './arena.ts';
import { closeWithReset, connectError } from './calls.ts';
import * as kernel from './kernel.ts';
import { CANCELLED, CONNECTED, type Loop, type Party, RECEIVED, SENT, tagOf } from './loop.ts';
import { SendQueue } from './send-queue.ts';

export abstract class RingSocket implements Party {
  generation = 0;
  /** The peer sent FIN. */
  hasEnded = false;
  protected readonly loop: Loop;
  protected fd = -1;
  readonly #number: number;

  #isConnected = false;
  #isConnecting = false;
  /** No event but `onClosed` comes any more. */
  #isClosing = false;
  #isClosed = false;
  #isClean = true;
  #isReset = false;
  #isShutDown = false;
  #isCutOff = false;

  #isReceiving = false;
  /** The first read is a single one: many connections end after it, and one that reads cannot simply be closed. */
  #hasReceived = false;
  #isPaused = false;
  #isCancelling = false;
  /** It has filled a whole slot: from then on several are received into at once. That saves a tenth with 200 kB and costs as much with 10 kB. */
  #isBulky = false;

  readonly #queue: SendQueue;
  /** A `send` has said false: `onDrained` is owed. */
  #isSlow = false;
  #endsBehindQueue = false;
  #closesBehindQueue = false;
  #isMarked = false;

  constructor(loop: Loop) {
    this.loop = loop;
    this.#queue = new SendQueue(loop);
    this.#number = loop.join(this);
  }

  protected abstract onReceived(start: number, end: number): void;
  /** The peer sent FIN: nothing is received any more. */
  protected abstract onEnded(): void;
  /** The queue is short again after `send` said false. */
  protected abstract onDrained(): void;
  /** The peer took a part of what is queued. */
  protected abstract onProgress(): void;
  /** The connection could be opened. Only after `connecting`. */
  protected onConnected(): void {}
  /** It could not. `error`: its number. */
  protected onRefused(_error: number): void {
    this.fail();
  }
  /** It is gone. Not clean: by an error, or it never was there. */
  protected abstract onClosed(isClean: boolean): void;

  // What owners ask for

  /** It is connected: reads from now on. */
  protected opened(fd: number): void {
    this.fd = fd;
    this.#isConnected = true;
    this.#receive();
  }

  /** A connect is under way; `onConnected` or `onClosed` follows. */
  protected connecting(fd: number): void {
    this.fd = fd;
    this.#isConnecting = true;
    this.loop.ring.poll(fd, kernel.POLLOUT, tagOf(this.#number, CONNECTED), this.generation);
  }

  get isOpen(): boolean {
    return this.#isConnected && !this.#isClosing;
  }

  /** It is gone, or about to go. */
  protected get isEnding(): boolean {
    return this.#isClosing;
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
    if (this.#isClosing || end === start) return true;
    if (!this.#queue.add(bytes, start, end)) this.fail();
    this.#mark();
    if (!this.#queue.isLong) return true;
    this.#isSlow = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#isReceiving) this.#stopReceiving();
  }

  resume(): void {
    this.#isPaused = false;
    this.#receive();
  }

  /** Half-closes behind everything sent. */
  end(): void {
    this.#endsBehindQueue = true;
    this.#mark();
  }

  /** Closes behind everything sent. */
  finish(): void {
    this.#closesBehindQueue = true;
    this.#mark();
  }

  destroy(): void {
    this.#beginClosing();
  }

  /** So that the peer sees an error. */
  reset(): void {
    if (this.fd < 0 || this.#isClosing) return;
    closeWithReset(this.loop, this.fd);
    this.#isReset = true;
    this.#beginClosing();
  }

  /** Ends it as something that failed. */
  protected fail(): void {
    if (this.#isClosing) return;
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
        if (this.#isClosing) this.#close();
        else this.#settleConnect(result);
        return;
      case CANCELLED:
        this.#isCancelling = false;
        if (this.#isClosing) this.#close();
        else if (this.#isPaused && this.#isReceiving) this.#stopReceiving();
        else this.#receive();
    }
  }

  #settleConnect(result: number): void {
    let error = result < 0 ? -result : 0;
    if (result > 0 && (result & kernel.POLL_FAILED) !== 0) error = connectError(this.loop, this.fd);
    if (error !== 0) {
      this.onRefused(error);
      return;
    }
    this.loop.libc.clearNonBlocking(this.fd);
    this.#isConnected = true;
    // Hardly anybody speaks before it is spoken to.
    this.#receive(kernel.RECEIVE_POLL_FIRST);
    this.onConnected();
  }

  #received(result: number, flags: number): void {
    const { loop } = this;
    if ((flags & kernel.HAS_MORE) === 0) this.#isReceiving = false;
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
    if (this.#isClosing) {
      this.#close();
      return;
    }
    if (result > 0) {
      const becomesBulky = result >= SLOT_ROOM && !this.#isBulky && loop.ring.hasBundles;
      if (becomesBulky) this.#isBulky = true;
      if (this.#isReceiving) {
        if (this.#isPaused || becomesBulky) this.#stopReceiving();
      } else this.#mark();
    } else if (result === 0) {
      this.hasEnded = true;
      this.onEnded();
    } else if (result === -kernel.ENOBUFS) this.loop.starve(this);
    else if (result === -kernel.ECANCELED || result === -kernel.EINTR) this.#mark();
    else this.fail();
  }

  /** The first `length` bytes of a slot were received. */
  #read(slot: number, length: number): void {
    const { loop } = this;
    loop.slots.read(slot);
    if (length > 0 && !this.#isClosing) {
      this.#hasReceived = true;
      loop.reading = slot;
      const at = slotAt(slot);
      this.onReceived(at, at + length);
      if (loop.reading === slot) loop.slots.reoffer(slot);
      loop.reading = -1;
    } else loop.slots.reoffer(slot);
  }

  #sent(result: number): void {
    this.#queue.sent(result);
    if (this.#isClosing) {
      this.#close();
      return;
    }
    if (result < 0) {
      if (result === -kernel.EINTR || result === -kernel.EAGAIN) this.#mark();
      else this.fail();
      return;
    }
    if (this.#isSlow) {
      if (this.#queue.isShort) {
        this.#isSlow = false;
        this.onDrained();
      } else this.onProgress();
    }
    if (!this.#queue.isEmpty || this.#endsBehindQueue || this.#closesBehindQueue) this.#mark();
  }

  endTurn(): void {
    this.#isMarked = false;
    if (this.#isClosing) {
      this.#close();
      return;
    }
    this.#receive();
    if (this.#isConnected && !this.#queue.isSending) this.#sendNext();
  }

  #sendNext(): void {
    if (!this.#queue.isEmpty) {
      // To a peer that is slow the kernel reports each part it took: that is how progress shows.
      let flags = this.#isSlow ? 0 : kernel.MSG_WAITALL;
      // What ends it follows in the next turn, and leaves in one packet with this: a packet less is a tenth of a short connection.
      if ((this.#closesBehindQueue || this.#endsBehindQueue) && this.#queue.isOneSend)
        flags |= kernel.MSG_MORE;
      this.#queue.send(this.fd, flags, tagOf(this.#number, SENT), this.generation);
      return;
    }
    if (this.#closesBehindQueue) {
      this.#isClosing = true;
      this.#close();
    } else if (this.#endsBehindQueue && !this.#isShutDown) {
      this.#isShutDown = true;
      this.loop.libc.shutdown(this.fd, kernel.SHUT_WR);
    }
  }

  /** Reads, if that is wanted and not under way. `first`: how the first read is done. */
  #receive(first = 0): void {
    if (this.#isReceiving || this.#isPaused || this.#isCancelling) return;
    if (this.hasEnded || this.#isClosing || this.#closesBehindQueue || !this.#isConnected) return;
    this.#isReceiving = true;
    let how = first;
    if (this.#hasReceived) {
      how = kernel.RECEIVE_POLL_FIRST;
      // One that goes on by itself may fill many slots before a pause stops it.
      if (!this.loop.slots.isTight) {
        how |= kernel.RECEIVE_MULTISHOT;
        if (this.#isBulky) how |= kernel.RECEIVE_BUNDLE;
      }
    }
    this.loop.ring.receive(this.fd, how, tagOf(this.#number, RECEIVED), this.generation);
  }

  #stopReceiving(): void {
    if (this.#isCancelling) return;
    this.#isCancelling = true;
    const { ring } = this.loop;
    const { generation } = this;
    ring.cancel(tagOf(this.#number, RECEIVED), generation, tagOf(this.#number, CANCELLED), generation);
  }

  #beginClosing(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#mark();
  }

  /** Closes, or brings to an end what is outstanding first. */
  #close(): void {
    if (this.#isClosed) return;
    if (this.#isReceiving || this.#isConnecting || this.#queue.isSending) {
      this.#cutOff();
      return;
    }
    if (this.#isCancelling) return;
    this.#isClosed = true;
    this.#isConnected = false;
    this.#queue.discard();
    if (this.fd >= 0) this.loop.closeDescriptor(this.fd);
    this.fd = -1;
    this.loop.leave(this.#number);
    this.onClosed(this.#isClean);
  }

  /** Makes everything outstanding complete. A shutdown does, but would tell the peer that all is well. */
  #cutOff(): void {
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    if (this.#isReset || this.#isConnecting) {
      this.#isCancelling = true;
      this.loop.ring.cancelAll(this.fd, tagOf(this.#number, CANCELLED), this.generation);
    } else this.loop.libc.shutdown(this.fd, kernel.SHUT_RDWR);
  }

  #mark(): void {
    if (this.#isMarked || this.#isClosed) return;
    this.#isMarked = true;
    this.loop.mark(this);
  }
}
