/**
 * The answers of one turn of the event loop, given to the kernel with one system call. With a call for each the client is woken for each,
 * which costs more than sending does where the two run on different processors (docs/decisions/0106).
 */
import { MusterError, messageOf } from '../../errors.ts';
import { chooseTransport } from '../../proxy/choice.ts';
import { Arena, slotAt } from '../../proxy/uring/arena.ts';
import { Estate } from '../../proxy/uring/estate.ts';
import { EAGAIN, MSG_DONTWAIT } from '../../proxy/uring/kernel.ts';
import { loadLibc } from '../../proxy/uring/libc.ts';
import { Ring } from '../../proxy/uring/ring.ts';

/** Somebody who is sent a text. */
export interface Recipient {
  /** Of a connected socket; negative: it was closed. */
  readonly descriptor: number;
  /** Latin-1; stays what it is until one of these is called. */
  readonly text: string;
  /** The kernel has as many bytes of it: it takes no more now. */
  taken(count: number): void;
  /** Nothing more can be sent. */
  failed(): void;
}

/** Answers in one call. */
const MOST = 256;
/** Completions are looked at behind every call. */
const RING = { entries: MOST, completions: MOST };
/** A megabyte, of which only what was touched is there. */
const SLOTS = 64;
const ROOM_AT = slotAt(0);
/** Each text begins at a cache line. */
const LINE = 64;
/** The room is for many. */
const LONGEST = 64 * 1_024;
/** A ring costs memory and some milliseconds: it is made for those who are asked a lot. */
const WORTH_A_RING = 1_000;
/** The outcome of what was not sent. */
const NOTHING = -1;
/** Calls that bring nothing, until a ring counts as broken: it may be refused memory for a moment. */
const MOST_IN_VAIN = 1_000;

interface Means {
  readonly ring: Ring;
  readonly arena: Arena;
  readonly bytes: Buffer;
  /** Gives all of it back. */
  end(): void;
}

export class SendBatch {
  #means: Means | undefined;
  #waiting: Recipient[] = [];
  #count = 0;

  /** Sends the text at the end of this turn, at the latest. False: it is to be sent in another way. */
  add(recipient: Recipient): boolean {
    if (this.#means === undefined) {
      if (++this.#count === WORTH_A_RING) void this.prepare();
      return false;
    }
    if (recipient.text.length > LONGEST) return false;
    const count = this.#waiting.push(recipient);
    if (count === 1) setImmediate(this.flush);
    else if (count === MOST) this.flush();
    return true;
  }

  /** Makes the ring, where the balancer would use one too. Without one all goes out as before: why there is none is told where traffic depends on it. */
  async prepare(): Promise<void> {
    this.#means = await meansOf().catch(() => undefined);
  }

  /** Sends what waits; all of them know when it returns. */
  readonly flush = (): void => {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const outcomes = new Int32Array(waiting.length).fill(NOTHING);
    try {
      this.#send(waiting, outcomes);
    } catch (error) {
      // Of whom nothing is known may have half of an answer.
      this.#means?.end();
      this.#means = undefined;
      process.emitWarning(`the API's answers go out one by one from now on: ${messageOf(error)}`);
    }
    waiting.forEach((recipient, i) => {
      const outcome = outcomes[i] as number;
      if (outcome >= 0) recipient.taken(outcome);
      else if (outcome === -EAGAIN) recipient.taken(0);
      else recipient.failed();
    });
  };

  #send(waiting: readonly Recipient[], outcomes: Int32Array): void {
    const { ring, arena, bytes } = this.#means as Means;
    const completed = (tag: number, _: number, outcome: number) => {
      outcomes[tag] = outcome;
    };
    let asked = 0;
    let at = ROOM_AT;
    let end = ROOM_AT;
    let last: string | undefined;
    waiting.forEach(({ descriptor, text }, i) => {
      if (descriptor < 0) return;
      // Thousands that waited for one change are told the same.
      if (text !== last) {
        if (end + text.length > bytes.length) {
          carryOut(ring, asked, completed);
          asked = 0;
          end = ROOM_AT;
        }
        at = end;
        bytes.write(text, at, 'latin1');
        end = Math.ceil((at + text.length) / LINE) * LINE;
        last = text;
      }
      ring.send(descriptor, arena.low(at), text.length, MSG_DONTWAIT, i, 0);
      asked++;
    });
    carryOut(ring, asked, completed);
  }
}

/** Undefined where the balancer uses none. Throws what a system says that has no more. */
async function meansOf(): Promise<Means | undefined> {
  const { name } = await chooseTransport();
  if (name !== 'uring') return undefined;
  const libc = await loadLibc();
  const estate = new Estate();
  const end = () => estate.settle(libc);
  try {
    const arena = new Arena(libc, estate, SLOTS);
    const ring = new Ring(libc, arena, estate, RING);
    return { ring, arena, bytes: Buffer.from(arena.bytes.buffer), end };
  } catch (error) {
    end();
    throw error;
  }
}

/** As none of it may wait, all of it is done soon. */
function carryOut(ring: Ring, asked: number, completed: Parameters<Ring['complete']>[0]): void {
  let inVain = 0;
  for (let left = asked; left > 0; ) {
    ring.enter(left);
    const done = ring.complete(completed);
    left -= done;
    inVain = done > 0 ? 0 : inVain + 1;
    if (inVain > MOST_IN_VAIN)
      throw new MusterError('internal', 'io_uring does not carry out what it is asked');
  }
}
