/**
 * The loop of a worker on the ring. It blocks in the kernel, where sockets of the ring complete; now and then, and whenever
 * Node's own loop has something to do, it lets that one turn: messages, timers, promises and sockets of Node go on as usual.
 * While that one has much to do (TLS, HTTP/2) it is the one that blocks (`who-blocks.ts`).
 */
import { performance } from 'node:perf_hooks';
import { MusterError } from '../../errors.ts';
import { nodeTurn } from '../node-turn.ts';
import { Arena, GATHER, GATHER_SIZE, MOST_SLOTS, OFFER_RING, OFFERS, SCRATCH, SLOT_ROOM } from './arena.ts';
import { threadTime } from './calls.ts';
import { Company } from './company.ts';
import { Estate } from './estate.ts';
import * as kernel from './kernel.ts';
import type { Libc } from './libc.ts';
import { type NodeLoop, nodeLoop } from './node-loop.ts';
import { Pipe, type TellRefused } from './pipe.ts';
import { Ring } from './ring.ts';
import { Slots } from './slots.ts';
import { WhoBlocks } from './who-blocks.ts';

/** What a completion is of: the low bits of its tag. The rest is the number of the party it concerns. */
export const RECEIVED = 0;
export const SENT = 1;
export const CONNECTED = 2;
export const CANCELLED = 3;
export const ACCEPTED = 4;
const CLOSED = 5;
const TICKED = 6;
const NODE_READY = 7;
const KIND_BITS = 3;
const KIND = (1 << KIND_BITS) - 1;

/** How often Node's loop turns when nothing wakes it (ms): its timers are at most this late. */
const TICK = 50;
/** How long sockets may take to close at the end (ms). */
const PATIENCE = 1_000;
/** The same when its loop cannot be watched: its sockets and messages wait for this. */
const SHORT_TICK = 1;
/** Where the time of the tick lies, behind what plain calls use. */
const TICK_AT = SCRATCH + 2_048;
/** struct msghdr, and one vector of it. */
const HEADER = 64;
const VECTOR = 16;

/** Whoever has entries in the ring: a socket or a listener. */
export interface Party {
  /** Which bearer of its number it is: a completion for the one before never reaches it. */
  generation: number;
  /** `kind`: RECEIVED … ACCEPTED. */
  completed(kind: number, result: number, flags: number): void;
  /** The end of the turn, after `Loop.mark`. */
  endTurn(): void;
}

export interface LoopOptions {
  /** Where descriptors and memory are written down for whoever cleans up. */
  readonly estate?: Estate | undefined;
  /** Of 16 kB. */
  readonly slots?: number;
  /** Told once that something has to be done in a dearer way, and why. */
  readonly onTrouble?: TellRefused | undefined;
  /** Never blocks, so that others can use the thread: for tests. */
  readonly isShared?: boolean;
}

export class Loop {
  readonly libc: Libc;
  readonly arena: Arena;
  readonly ring: Ring;
  readonly slots: Slots;
  readonly pipe: Pipe;
  readonly estate: Estate;
  /** The slot whose bytes are being looked at; -1 when there is none, or its bytes were queued. */
  reading = -1;
  /** Completions for parties that are gone. Never anything else than 0. */
  strays = 0;
  readonly #parties: (Party | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #vacant: number[] = [];
  /** Whose turn has to be ended; both arrays are used in turn, and stay as long as they once were: nothing is allocated for a turn. */
  #marked: (Party | undefined)[] = [];
  #ending: (Party | undefined)[] = [];
  #markedCount = 0;
  /** Who could not receive, because all slots are in use. */
  #starving: Party[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly #isShared: boolean;
  readonly #nodeLoop: number | undefined;
  readonly #company: Company;
  readonly #blocking: WhoBlocks;
  readonly #completed = this.#complete.bind(this);
  readonly #spin = this.#turns.bind(this);
  #time = performance.now();
  #isTurning = false;
  #isTicking = false;
  #isWatchingNode = false;
  #nodeMayTurn = false;
  #gatherAt = GATHER;
  #stopped = false;
  #hasRing = true;
  #onBroken: (error: unknown) => void = (error) => {
    throw error;
  };

  private constructor(
    libc: Libc,
    { estate, slots, isShared, onTrouble = () => {} }: LoopOptions,
    node: NodeLoop,
  ) {
    this.libc = libc;
    this.estate = estate ?? new Estate();
    this.arena = new Arena(libc, this.estate, slots ?? MOST_SLOTS);
    this.ring = new Ring(libc, this.arena, this.estate);
    this.ring.registerBuffers(this.arena, OFFER_RING, OFFERS);
    this.slots = new Slots(this.arena);
    this.pipe = new Pipe(this, onTrouble);
    this.#company = new Company(() => threadTime(this));
    this.#isShared = isShared ?? false;
    this.#nodeLoop = node.epoll;
    this.#setTick(node.epoll === undefined ? SHORT_TICK : TICK);
    const { wakeUp } = node;
    const canWake = !this.#isShared && wakeUp !== undefined && this.ring.signalTo(wakeUp, this.arena);
    this.#blocking = new WhoBlocks(this.ring, canWake);
  }

  /** A loop that turns. Throws `internal` with the system call that was refused. */
  static async start(libc: Libc, options: LoopOptions = {}): Promise<Loop> {
    const loop = new Loop(libc, options, await nodeLoop());
    setImmediate(loop.#spin);
    return loop;
  }

  /** Monotonic milliseconds: of this turn, so that events do not ask for it one by one. */
  get now(): number {
    return this.#isTurning ? this.#time : performance.now();
  }

  /** Calls a task when this turn's completions were looked at: microtasks wait until Node's loop turns. */
  soon(task: () => void): void {
    if (this.#isTurning) this.#tasks.push(task);
    else queueMicrotask(task);
  }

  /** Takes a number for a party: what its entries' tags are made with. */
  join(party: Party): number {
    const number = this.#vacant.pop() ?? this.#parties.length;
    this.#parties[number] = party;
    party.generation = this.#generations[number] ?? 0;
    return number;
  }

  /** The number is somebody else's from now on. To be called when nothing of the party is outstanding. */
  leave(number: number): void {
    this.#parties[number] = undefined;
    this.#generations[number] = ((this.#generations[number] ?? 0) + 1) | 0;
    this.#vacant.push(number);
  }

  /** How many parties there are. */
  get size(): number {
    return this.#parties.length - this.#vacant.length;
  }

  /** `endTurn` of the party is called when this turn's completions were looked at. */
  mark(party: Party): void {
    this.#marked[this.#markedCount++] = party;
    if (!this.#isTurning) this.#blocking.hurry();
  }

  /** The same, as soon as there is something to receive into. */
  starve(party: Party): void {
    if (this.slots.isOffering) this.mark(party);
    else this.#starving.push(party);
  }

  /** Closes a descriptor at the end of the turn. */
  closeDescriptor(fd: number): void {
    this.estate.disown(fd);
    this.ring.close(fd, CLOSED);
  }

  /**
   * Sends `count` slots of a queue, from `first` on, in one go. The vectors are copied by the kernel when it takes the
   * entry, so their place is used again by the next turn.
   */
  sendGathered(
    fd: number,
    first: number,
    count: number,
    flags: number,
    tag: number,
    generation: number,
  ): void {
    const size = HEADER + count * VECTOR;
    if (this.#gatherAt + size > GATHER + GATHER_SIZE) {
      this.ring.submit();
      this.#gatherAt = GATHER;
    }
    const header = this.#gatherAt;
    this.#gatherAt += size;
    const { ints, high } = this.arena;
    const { from, length, next } = this.slots;
    const word = header >> 2;
    ints.fill(0, word, word + 14);
    ints[word + 4] = this.arena.low(header + HEADER);
    ints[word + 5] = high;
    ints[word + 6] = count;
    let slot = first;
    for (let i = 0, at = (header + HEADER) >> 2; i < count; i++, at += 4) {
      ints[at] = this.arena.low(from[slot]!);
      ints[at + 1] = high;
      ints[at + 2] = length[slot]!;
      ints[at + 3] = 0;
      slot = next[slot]!;
    }
    this.ring.sendMessage(fd, this.arena.low(header), flags, tag, generation);
  }

  /** When the kernel refuses the ring in the middle of its work; without it the error is thrown. */
  onBroken(tell: (error: unknown) => void): void {
    this.#onBroken = tell;
  }

  /**
   * Ends the ring once everything that was told to close has done so; after `PATIENCE` the rest is left to the estate. No
   * memory of it may be in use afterwards: its pages go back to the system.
   */
  async stop(): Promise<void> {
    const late = performance.now() + PATIENCE;
    while (!this.#stopped && this.size > 0 && performance.now() < late)
      await new Promise((resolve) => setImmediate(resolve));
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.size === 0) this.#checkBuffers();
    this.pipe.close();
    this.ring.submit();
    this.#endRing();
    this.arena.empty();
  }

  /**
   * The thread is about to end by an error: what was told to close is closed, and so are clients whom the kernel has let in and nobody has looked
   * at, for nothing else knows of them. The rest is left to the estate. Idempotent.
   */
  abandon(): void {
    this.#stopped = true;
    if (!this.#hasRing) return;
    try {
      this.ring.submit();
    } catch {
      // A ring that is refused may be why it ends; what had completed before can be looked at all the same.
    }
    this.ring.complete((tag, _generation, result) => {
      if ((tag & KIND) === ACCEPTED && result >= 0) this.libc.close(result);
    });
    this.#endRing();
  }

  #endRing(): void {
    this.#hasRing = false;
    this.ring.end(this.estate);
  }

  /** Nobody is connected: every slot has to be where it belongs, and nothing in the pipe. */
  #checkBuffers(): void {
    const { queued, read } = this.slots.census();
    const { held } = this.pipe;
    if (queued + read > 0 || this.strays > 0 || held > 0)
      throw new MusterError(
        'internal',
        `${queued + read} buffers and ${held} bytes were lost, ${this.strays} completions came too late`,
      );
  }

  /** struct __kernel_timespec: seconds and nanoseconds, 64 bits each. */
  #setTick(ms: number): void {
    this.arena.ints[(TICK_AT >> 2) + 2] = ms * 1_000_000;
  }

  #turns(): void {
    if (this.#stopped) return;
    const blocking = this.#blocking;
    try {
      blocking.begin();
      if (!this.#isTicking) {
        this.#isTicking = true;
        this.ring.timeout(this.arena.low(TICK_AT), TICKED);
      }
      if (this.#nodeLoop !== undefined && !this.#isWatchingNode && !blocking.isNodes) {
        this.#isWatchingNode = true;
        this.ring.poll(this.#nodeLoop, kernel.POLLIN, NODE_READY, 0);
      }
      this.#nodeMayTurn = this.#isShared || blocking.isNodes;
      let completions = 0;
      do completions = this.#turn(this.#nodeMayTurn || nodeTurn.isDue ? 0 : 1);
      while (!(this.#nodeMayTurn || nodeTurn.isDue));
      blocking.end(completions, this.#spin);
    } catch (error) {
      this.#stopped = true;
      this.#onBroken(error);
    }
  }

  /** The answer is how many completions there were. */
  #turn(wait: number): number {
    if (this.#starving.length > 0 && this.slots.isOffering) {
      for (const party of this.#starving) this.mark(party);
      this.#starving = [];
    }
    // What events of Node's loop asked for since the last turn.
    this.#endTurn();
    this.slots.commit();
    const awaited = wait > 0 && this.ring.canWaitForSeveral ? this.#company.awaited : 0;
    if (awaited > 0) this.ring.enterForSeveral(awaited);
    else this.ring.enter(wait);
    if (this.ring.isSubmitted) this.#gatherAt = GATHER;
    const now = performance.now();
    const since = now - this.#time;
    this.#time = now;
    this.#isTurning = true;
    const completions = this.ring.complete(this.#completed);
    this.#company.came(completions, since);
    if (this.#tasks.length > 0) for (const task of this.#tasks.splice(0)) task();
    this.#endTurn();
    this.#isTurning = false;
    return completions;
  }

  #endTurn(): void {
    while (this.#markedCount > 0) {
      const ending = this.#marked;
      const count = this.#markedCount;
      this.#marked = this.#ending;
      this.#markedCount = 0;
      this.#ending = ending;
      for (let i = 0; i < count; i++) {
        const party = ending[i]!;
        ending[i] = undefined;
        party.endTurn();
      }
    }
  }

  #complete(tag: number, generation: number, result: number, flags: number): void {
    const kind = tag & KIND;
    if (kind >= CLOSED) {
      this.#completedOwn(kind, result);
      return;
    }
    const party = this.#parties[tag >>> KIND_BITS];
    if (party === undefined || party.generation !== generation) {
      this.#stray(result, flags);
      return;
    }
    if (kind === ACCEPTED) this.#company.newcomer();
    party.completed(kind, result, flags);
  }

  #completedOwn(kind: number, result: number): void {
    if (kind === TICKED) {
      this.#isTicking = false;
      this.#nodeMayTurn = true;
    } else if (kind === NODE_READY) {
      this.#nodeMayTurn = true;
      this.#blocking.nodeWoke();
      // Refused: it is not asked for again, the tick has to do.
      this.#isWatchingNode = result < 0;
      if (result < 0) this.#setTick(SHORT_TICK);
    }
  }

  /** For nobody who is there: what it brought is dropped. */
  #stray(result: number, flags: number): void {
    this.strays++;
    if ((flags & kernel.HAS_BUFFER) === 0) return;
    let slot = flags >>> 16;
    for (let left = result; ; left -= SLOT_ROOM) {
      const behind = this.slots.behind(slot);
      this.slots.read(slot);
      this.slots.reoffer(slot);
      if (left <= SLOT_ROOM) return;
      slot = behind;
    }
  }
}

/** The tag of an entry of a party. */
export function tagOf(number: number, kind: number): number {
  return (number << KIND_BITS) | kind;
}

/** The ring cannot be used any more, as opposed to an error of ours. */
export function isRingError(error: unknown): boolean {
  return error instanceof MusterError && /^io_uring/.test(error.message);
}
