/** One io_uring: entries go in through shared memory, completions come out of it, one system call carries a whole turn. */
import { getSystemErrorName } from 'node:util';
import { MusterError } from '../../errors.ts';
import { type Arena, SCRATCH } from './arena.ts';
import type { Estate } from './estate.ts';
import * as kernel from './kernel.ts';
import type { Libc } from './libc.ts';

/** Room for what is asked and for what it comes to; powers of two, the first one not larger. */
export interface RingSizes {
  readonly entries: number;
  readonly completions: number;
}

/** More entries than one turn of a worker asks for; a fuller turn is submitted in parts. What a turn of 10,000 connections may complete; the kernel keeps what exceeds it. */
const OF_A_WORKER: RingSizes = { entries: 4_096, completions: 16_384 };

/** Words of an entry and of a completion. */
const ENTRY = 16;
const COMPLETION = 4;

/** Where the argument of a wait for several lies, and behind it the time after which it ends with nothing: without one it would end so after `CONTENT_AFTER`. */
const ARGUMENT_AT = SCRATCH + 1_024;
const LIMIT_AT = ARGUMENT_AT + 32;
/** In seconds; the tick comes long before. */
const LIMIT = 60;
/** How long (µs) it waits before one is enough: a fraction of what a request takes where so many come that it is used. */
export const CONTENT_AFTER = 50;

/** Called for each completion: the tag and generation of its entry, its outcome (negative: an error number) and flags. */
export type Completed = (tag: number, generation: number, result: number, flags: number) => void;

export class Ring {
  /** The kernel can receive into several buffers at once. */
  readonly hasBundles: boolean;
  /** `enterForSeveral` is there. */
  readonly canWaitForSeveral: boolean;
  readonly #severalArgument: number;
  readonly #acceptHead: number;
  readonly #libc: Libc;
  readonly #fd: number;
  /** The high word of all addresses. */
  readonly #high: number;
  readonly #entries: Int32Array;
  readonly #ring: Int32Array;
  readonly #mask: number;
  readonly #submitHead: number;
  readonly #submitTail: number;
  readonly #completeHead: number;
  readonly #completeTail: number;
  readonly #completeFlags: number;
  readonly #completions: number;
  readonly #completionMask: number;
  #tail: number;
  #submitted: number;
  /** The next completion to be looked at. */
  #seen: number;

  /** Throws `internal` with the system call that was refused; `cause` has its error number. */
  constructor(libc: Libc, arena: Arena, estate: Estate, sizes = OF_A_WORKER) {
    this.#libc = libc;
    this.#high = arena.high;
    const parameters = arena.ints.subarray(SCRATCH >> 2, (SCRATCH >> 2) + 30);
    this.#fd = setup(libc, arena, parameters, sizes);
    estate.own(this.#fd);
    const entries = parameters[0]!;
    const completions = parameters[1]!;
    // struct io_sqring_offsets at byte 40, io_cqring_offsets at byte 80
    const [sqHead = 0, sqTail = 0, , , , , sqArray = 0] = parameters.subarray(10);
    const [cqHead = 0, cqTail = 0, , , , cqes = 0, cqFlags = 0] = parameters.subarray(20);
    const flags = parameters[2]!;
    this.hasBundles = (parameters[5]! & kernel.FEATURE_BUNDLE) !== 0;
    this.canWaitForSeveral = (parameters[5]! & kernel.FEATURE_MIN_WAIT) !== 0;
    this.#severalArgument = arena.address(ARGUMENT_AT);
    arena.ints.set([0, 0, 0, CONTENT_AFTER, arena.low(LIMIT_AT), arena.high], ARGUMENT_AT >> 2);
    arena.ints.set([LIMIT, 0, 0, 0], LIMIT_AT >> 2);
    this.#acceptHead = kernel.OP_ACCEPT | (this.hasBundles ? kernel.ACCEPT_POLL_FIRST << 16 : 0);
    const length = Math.max(cqes + completions * COMPLETION * 4, sqArray + entries * 4);
    const mapped = (size: number, offset: number) => {
      const address = checked('mmap of a ring', libc.map(size, this.#fd, offset));
      estate.ownRange(address, size);
      return new Int32Array(libc.view(address, size));
    };
    this.#ring = mapped(length, kernel.RING_AT);
    this.#entries = mapped(entries * ENTRY * 4, kernel.ENTRIES_AT);
    this.#mask = entries - 1;
    this.#submitHead = sqHead >> 2;
    this.#submitTail = sqTail >> 2;
    this.#completeHead = cqHead >> 2;
    this.#completeTail = cqTail >> 2;
    this.#completeFlags = cqFlags >> 2;
    this.#completions = cqes >> 2;
    this.#completionMask = completions - 1;
    this.#tail = this.#submitted = Atomics.load(this.#ring, this.#submitTail);
    this.#seen = Atomics.load(this.#ring, this.#completeHead);
    // Before Linux 6.6 there is an array of places between the ring and its entries: each names its own.
    if ((flags & kernel.SETUP_NO_SQARRAY) === 0) {
      for (let i = 0; i < entries; i++) this.#ring[(sqArray >> 2) + i] = i;
    }
  }

  /** Gives the kernel a ring of buffers in the arena to receive into. */
  registerBuffers(arena: Arena, at: number, count: number): void {
    const words = arena.ints.subarray(SCRATCH >> 2, (SCRATCH >> 2) + 10);
    words.fill(0);
    words[0] = arena.low(at);
    words[1] = arena.high;
    words[2] = count;
    checked(
      'registering receive buffers',
      this.#libc.register(this.#fd, kernel.REGISTER_BUFFER_RING, arena.address(SCRATCH), 1),
    );
  }

  /** Has an eventfd signalled from now on when there is something to complete, while `signals` says so; false where the kernel refuses. */
  signalTo(eventfd: number, arena: Arena): boolean {
    arena.ints[SCRATCH >> 2] = eventfd;
    return this.#libc.register(this.#fd, kernel.REGISTER_EVENTFD, arena.address(SCRATCH), 1) === 0;
  }

  set signals(areWanted: boolean) {
    Atomics.store(this.#ring, this.#completeFlags, areWanted ? 0 : kernel.EVENTFD_DISABLED);
  }

  /** The next entry, with what all of them have; the answer is the index of its first word, for what only some have. */
  #entry(
    head: number,
    fd: number,
    address: number,
    length: number,
    flags: number,
    tag: number,
    generation: number,
  ): number {
    if (((this.#tail - this.#submitted) | 0) > this.#mask) this.#flush();
    const entries = this.#entries;
    const at = (this.#tail & this.#mask) * ENTRY;
    this.#tail = (this.#tail + 1) | 0;
    entries[at] = head;
    entries[at + 1] = fd;
    entries[at + 2] = 0;
    entries[at + 3] = 0;
    entries[at + 4] = address;
    entries[at + 5] = address === 0 ? 0 : this.#high;
    entries[at + 6] = length;
    entries[at + 7] = flags;
    entries[at + 8] = tag;
    entries[at + 9] = generation;
    entries[at + 10] = 0;
    entries[at + 11] = 0;
    entries[at + 12] = 0;
    entries[at + 13] = 0;
    return at;
  }

  nop(tag: number): void {
    this.#entry(kernel.OP_NOP, -1, 0, 0, 0, tag, 0);
  }

  /** `address` and `lengthAddress` (low words): where the client's address goes, and the length of that place. */
  accept(fd: number, address: number, lengthAddress: number, tag: number, generation: number): void {
    const flags = kernel.SOCK_CLOEXEC | kernel.SOCK_NONBLOCK;
    const at = this.#entry(this.#acceptHead, fd, address, 0, flags, tag, generation);
    this.#entries[at + 2] = lengthAddress;
    this.#entries[at + 3] = this.#high;
  }

  /** Receives into a buffer of the registered ring. `how`: RECEIVE_*. */
  receive(fd: number, how: number, tag: number, generation: number): void {
    const head = kernel.OP_RECV | (kernel.ENTRY_BUFFER_SELECT << 8) | (how << 16);
    this.#entry(head, fd, 0, 0, 0, tag, generation);
  }

  send(fd: number, address: number, length: number, flags: number, tag: number, generation: number): void {
    this.#entry(kernel.OP_SEND, fd, address, length, flags | kernel.MSG_NOSIGNAL, tag, generation);
  }

  /** `address`: of a message header. */
  sendMessage(fd: number, address: number, flags: number, tag: number, generation: number): void {
    this.#entry(kernel.OP_SENDMSG, fd, address, 1, flags | kernel.MSG_NOSIGNAL, tag, generation);
  }

  poll(fd: number, events: number, tag: number, generation: number): void {
    this.#entry(kernel.OP_POLL_ADD, fd, 0, 0, events, tag, generation);
  }

  /** Completes after the time that lies at `address`. */
  timeout(address: number, tag: number): void {
    this.#entry(kernel.OP_TIMEOUT, -1, address, 1, 0, tag, 0);
  }

  /** Ends the entry that has this tag and generation; it completes by itself, as cancelled or with what it had reached. */
  cancel(wantedTag: number, wantedGeneration: number, tag: number, generation: number): void {
    const at = this.#entry(kernel.OP_ASYNC_CANCEL, -1, 0, 0, 0, tag, generation);
    this.#entries[at + 4] = wantedTag;
    this.#entries[at + 5] = wantedGeneration;
  }

  /** Ends everything that is under way on a descriptor. */
  cancelAll(fd: number, tag: number, generation: number): void {
    this.#entry(kernel.OP_ASYNC_CANCEL, fd, 0, 0, kernel.CANCEL_ALL | kernel.CANCEL_FD, tag, generation);
  }

  /** Completes only when it fails. */
  close(fd: number, tag: number): void {
    this.#entry(kernel.OP_CLOSE | (kernel.ENTRY_SKIP_SUCCESS << 8), fd, 0, 0, 0, tag, 0);
  }

  /** Hands over what was asked and waits until `wait` completions are there. Throws `internal` when the ring is broken. */
  enter(wait: number): void {
    this.#call(wait, kernel.ENTER_GETEVENTS, 0);
  }

  /** The same, but when they are not there after `CONTENT_AFTER` it goes on with those that are, or with the first that comes. */
  enterForSeveral(wait: number): void {
    this.#call(wait, kernel.ENTER_GETEVENTS | kernel.ENTER_EXTENDED, this.#severalArgument);
  }

  /** The kernel has taken all entries. */
  get isSubmitted(): boolean {
    return this.#tail === this.#submitted;
  }

  /** Hands over what was asked, without waiting. */
  submit(): void {
    if (!this.isSubmitted) this.#flush();
  }

  /** All entries are taken: they are handed over before the turn is over. */
  #flush(): void {
    const before = this.#submitted;
    this.#call(0, 0, 0);
    if (this.#submitted === before)
      throw new MusterError('internal', 'the kernel takes no more entries of a full io_uring');
  }

  #call(wait: number, flags: number, argument: number): void {
    const ring = this.#ring;
    Atomics.store(ring, this.#submitTail, this.#tail);
    const result = this.#libc.enter(this.#fd, (this.#tail - this.#submitted) | 0, wait, flags, argument);
    this.#submitted = Atomics.load(ring, this.#submitHead);
    if (result < 0 && !PASSING.has(-result)) throw refused('io_uring_enter', result);
  }

  /** Hands each completion to `completed`. The answer is how many there were. */
  complete(completed: Completed): number {
    const ring = this.#ring;
    const tail = Atomics.load(ring, this.#completeTail);
    const count = (tail - this.#seen) | 0;
    while (this.#seen !== tail) {
      const at = this.#completions + (this.#seen & this.#completionMask) * COMPLETION;
      // Before the call: if it throws, who goes on does so with the next.
      this.#seen = (this.#seen + 1) | 0;
      completed(ring[at]!, ring[at + 1]!, ring[at + 2]!, ring[at + 3]!);
    }
    Atomics.store(ring, this.#completeHead, this.#seen);
    return count;
  }

  /** Ends the ring and everything under way on it. */
  end(estate: Estate): void {
    estate.disown(this.#fd);
    this.#libc.close(this.#fd);
  }
}

/** Nothing is lost by them: the next turn goes on. */
const PASSING = new Set([kernel.EINTR, kernel.EAGAIN, kernel.EBUSY, kernel.ETIME]);

function setup(libc: Libc, arena: Arena, parameters: Int32Array, sizes: RingSizes): number {
  const wanted =
    kernel.SETUP_CQSIZE |
    kernel.SETUP_CLAMP |
    kernel.SETUP_SUBMIT_ALL |
    kernel.SETUP_SINGLE_ISSUER |
    kernel.SETUP_DEFER_TASKRUN;
  let result = 0;
  for (const flags of [wanted | kernel.SETUP_NO_SQARRAY, wanted]) {
    parameters.fill(0);
    parameters[1] = sizes.completions;
    parameters[2] = flags;
    result = libc.setupRing(sizes.entries, arena.address(SCRATCH));
    if (result !== -kernel.EINVAL) break;
  }
  return checked('io_uring_setup', result);
}

function checked(call: string, result: number): number {
  if (result < 0) throw refused(call, result);
  return result;
}

function refused(call: string, result: number): MusterError {
  const code = getSystemErrorName(result);
  return new MusterError('internal', `${call}: ${code}`, { cause: { code } });
}
