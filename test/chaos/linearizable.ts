/**
 * Tells whether a history of operations on one object could have come from one that does them one at a time, each
 * at some moment between its call and its return: linearizability (Herlihy and Wing, 1990). The search is that of
 * Wing and Gong with Lowe's memory of what was tried.
 */

/** Neither right nor wrong was found within bounds. */
export class Undecided extends Error {}

/** An operation as its client saw it. Times are in any unit, the same for all. */
export interface Operation<Op> {
  readonly op: Op;
  readonly call: number;
  /** Infinity: nobody knows whether it was carried out. */
  readonly ret: number;
  /** Of an operation whose end nobody knows: when it can take place at the latest. Default: at any time. */
  readonly until?: number;
}

/** What the object is. States are compared by their text. */
export interface Model<State, Op> {
  readonly initial: State;
  /** The state after `op`, or undefined when it cannot have ended in what the client saw. */
  step(state: State, op: Op, isKnown: boolean): State | undefined;
  key(state: State): string;
}

/** States that are looked at before the search is given up: what could have been is found in a small part of it. */
const MOST = 500_000;
/** The same in letters of their texts, which is what they cost: some have hundreds of operations of which nobody knows the end. */
const MOST_TEXT = 300_000_000;

interface Entry {
  /** Number of the operation; -1 for the head. */
  readonly id: number;
  readonly isCall: boolean;
  readonly at: number;
  before: Entry | undefined;
  after: Entry | undefined;
  /** Of a call, its return. */
  match: Entry | undefined;
}

/**
 * Throws when it cannot be decided with a bearable effort. Operations whose end is not known are tried last: most
 * were carried out where somebody saw them, or never.
 */
export function isLinearizable<State, Op>(
  history: readonly Operation<Op>[],
  model: Model<State, Op>,
): boolean {
  const ops = history.toSorted((a, b) => a.call - b.call);
  const head = linked(ops);
  if (head.after === undefined) return true;
  const open = ops.flatMap(({ ret }, id) => (Number.isFinite(ret) ? [] : [id]));
  const done = new Placed(ops);
  const texts = ops.map(({ op }) => JSON.stringify(op));
  /** Of operations that are alike the first one. */
  const first = texts.map((text) => texts.indexOf(text));

  /** Places one more operation at a time, and takes it back when it is asked for the next one. */
  function* moves(state: State): Generator<State> {
    let entry: Entry | undefined = head.after;
    for (; entry?.isCall; entry = entry.after) {
      const next = model.step(state, (ops[entry.id] as Operation<Op>).op, true);
      if (next === undefined) continue;
      lift(entry);
      done.add(entry.id);
      yield next;
      done.delete(entry.id);
      unlift(entry);
    }
    // What is not placed before the first return must be something that began before it.
    const limit = entry?.at ?? Number.POSITIVE_INFINITY;
    const alike = new Set<number>();
    const now = done.now();
    for (const id of open) {
      const { op, call, until = Number.POSITIVE_INFINITY } = ops[id] as Operation<Op>;
      if (done.has(id) || call > limit || until < now) continue;
      // Of those that are alike the earliest does for all.
      const like = first[id] as number;
      if (alike.has(like)) continue;
      alike.add(like);
      const next = model.step(state, op, false);
      if (next === undefined || model.key(next) === model.key(state)) continue;
      done.add(id);
      yield next;
      done.delete(id);
    }
  }

  const tried = new Set<string>();
  let looked = 0;
  // Not by recursion: the history of some minutes is deeper than the stack.
  const path = [moves(model.initial)];
  for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
    const { value: state, done: isOver } = last.next();
    if (isOver) {
      path.pop();
      continue;
    }
    if (head.after === undefined) return true;
    const place = `${done.text()}|${model.key(state)}`;
    looked += place.length;
    if (tried.has(place)) continue;
    if (tried.size >= MOST || looked >= MOST_TEXT)
      throw new Undecided('the history is too long, or too much of it happened at the same time');
    tried.add(place);
    path.push(moves(state));
  }
  return false;
}

/** Which operations have their place, as a short text: those whose end is known get it nearly in the order of their calls. */
class Placed {
  readonly #ops: readonly Operation<unknown>[];
  readonly #has: Uint8Array;
  /** In the order of their calls. */
  readonly #known: readonly number[];
  readonly #open: readonly number[];
  /** Of an operation in the list of the known ones; -1: its end is not known. */
  readonly #place: Int32Array;
  /** The first of the known ones that has none. */
  #first = 0;
  /** How many of the known ones have one. */
  #count = 0;

  constructor(ops: readonly Operation<unknown>[]) {
    this.#ops = ops;
    const ids = [...ops.keys()];
    const isKnown = (id: number) => Number.isFinite((ops[id] as Operation<unknown>).ret);
    this.#has = new Uint8Array(ops.length);
    this.#known = ids.filter(isKnown);
    this.#open = ids.filter((id) => !isKnown(id));
    this.#place = new Int32Array(ops.length).fill(-1);
    for (const [place, id] of this.#known.entries()) this.#place[id] = place;
  }

  has(id: number): boolean {
    return this.#has[id] === 1;
  }

  add(id: number): void {
    this.#has[id] = 1;
    if (this.#place[id] === -1) return;
    this.#count++;
    while (this.#first < this.#known.length && this.has(this.#known[this.#first] as number)) this.#first++;
  }

  delete(id: number): void {
    const place = this.#place[id] as number;
    this.#has[id] = 0;
    if (place === -1) return;
    this.#count--;
    this.#first = Math.min(this.#first, place);
  }

  text(): string {
    let text = `${this.#first}`;
    for (let at = this.#first, left = this.#count - this.#first; left > 0; at++)
      if (this.has(this.#known[at] as number)) {
        text += `,${at}`;
        left--;
      }
    // What can take place no more makes no difference.
    const now = this.now();
    for (const id of this.#open) {
      const { until = Number.POSITIVE_INFINITY } = this.#ops[id] as Operation<unknown>;
      if (until >= now && this.has(id)) text += `+${id}`;
    }
    return text;
  }

  /** The latest call of those that have a place: whatever comes next takes place after it. */
  now(): number {
    let last = this.#first - 1;
    for (let at = this.#first, left = this.#count - this.#first; left > 0; at++)
      if (this.has(this.#known[at] as number)) {
        last = at;
        left--;
      }
    return last < 0
      ? Number.NEGATIVE_INFINITY
      : (this.#ops[this.#known[last] as number] as Operation<unknown>).call;
  }
}

/**
 * Calls and returns of operations whose end is known, in the order of their times, behind a head. Of equal times
 * calls come first: they may overlap.
 */
function linked(history: readonly Operation<unknown>[]): Entry {
  const events = history.flatMap(({ call, ret }, id) =>
    Number.isFinite(ret)
      ? [
          { id, isCall: true, at: call },
          { id, isCall: false, at: ret },
        ]
      : [],
  );
  events.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  const none = { before: undefined, after: undefined, match: undefined };
  const head: Entry = { id: -1, isCall: true, at: Number.NEGATIVE_INFINITY, ...none };
  const calls = new Map<number, Entry>();
  let last = head;
  for (const event of events) {
    const entry: Entry = { ...event, ...none, before: last };
    last.after = entry;
    last = entry;
    if (event.isCall) calls.set(event.id, entry);
    else (calls.get(event.id) as Entry).match = entry;
  }
  return head;
}

function lift(entry: Entry): void {
  for (const one of [entry, entry.match as Entry]) {
    if (one.before !== undefined) one.before.after = one.after;
    if (one.after !== undefined) one.after.before = one.before;
  }
}

function unlift(entry: Entry): void {
  for (const one of [entry.match as Entry, entry]) {
    if (one.before !== undefined) one.before.after = one;
    if (one.after !== undefined) one.after.before = one;
  }
}

/** A key of the key/value store whose values are all different; "" when there is none. */
export type KeyOp =
  | { readonly kind: 'read'; readonly value: string }
  | { readonly kind: 'write'; readonly value: string }
  /** Written if the value was still `from`. */
  | { readonly kind: 'cas'; readonly from: string; readonly value: string; readonly ok: boolean };

export const keyModel: Model<string, KeyOp> = {
  initial: '',
  key: (state) => state,
  step(state, op, isKnown) {
    if (op.kind === 'write') return op.value;
    if (op.kind === 'read') return state === op.value ? state : undefined;
    if (!isKnown) return state === op.from ? op.value : state;
    if (op.ok) return state === op.from ? op.value : undefined;
    return state === op.from ? undefined : state;
  },
};

/** A lock that is held by one session, or by "". */
export type LockOp = {
  readonly kind: 'acquire' | 'release';
  readonly session: string;
  readonly ok: boolean;
};

export const lockModel: Model<string, LockOp> = {
  initial: '',
  key: (state) => state,
  step(state, { kind, session, ok }, isKnown) {
    const isFree = kind === 'acquire' ? state === '' || state === session : state === session;
    const after = kind === 'acquire' ? session : '';
    if (!isKnown) return isFree ? after : state;
    if (ok) return isFree ? after : undefined;
    return isFree ? undefined : state;
  },
};
