/**
 * Tells whether a history of operations on one object could have come from one that does them one at a time, each
 * at some moment between its call and its return: linearizability (Herlihy and Wing, 1990). The search is that of
 * Wing and Gong with Lowe's memory of what was tried.
 */

/** An operation as its client saw it. Times are in any unit, the same for all. */
/** Neither right nor wrong was found within bounds. */
export class Undecided extends Error {}

export interface Operation<Op> {
  readonly op: Op;
  readonly call: number;
  /** Infinity: nobody knows whether it was carried out, then or ever. */
  readonly ret: number;
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
  const head = linked(history);
  const open = history
    .flatMap(({ ret }, id) => (Number.isFinite(ret) ? [] : [id]))
    .sort((a, b) => (history[a] as Operation<Op>).call - (history[b] as Operation<Op>).call);
  const tried = new Set<string>();
  let done = 0n;

  /** Whether what is left can be put in an order that begins in `state`. */
  const search = (state: State): boolean => {
    if (head.after === undefined) return true;
    const place = `${done.toString(36)}|${model.key(state)}`;
    if (tried.has(place)) return false;
    if (tried.size >= MOST)
      throw new Undecided('the history is too long, or too much of it happened at the same time');
    tried.add(place);
    let entry: Entry | undefined = head.after;
    for (; entry?.isCall; entry = entry.after) {
      const next = model.step(state, (history[entry.id] as Operation<Op>).op, true);
      if (next === undefined) continue;
      lift(entry);
      done |= 1n << BigInt(entry.id);
      if (search(next)) return true;
      done &= ~(1n << BigInt(entry.id));
      unlift(entry);
    }
    // What is not placed before the first return must be something that began before it.
    const limit = entry?.at ?? Number.POSITIVE_INFINITY;
    const alike = new Set<string>();
    for (const id of open) {
      const { op, call } = history[id] as Operation<Op>;
      const bit = 1n << BigInt(id);
      if ((done & bit) !== 0n || call > limit) continue;
      // Of those that are alike the earliest does for all.
      const text = JSON.stringify(op);
      if (alike.has(text)) continue;
      alike.add(text);
      const next = model.step(state, op, false);
      if (next === undefined || model.key(next) === model.key(state)) continue;
      done |= bit;
      if (search(next)) return true;
      done &= ~bit;
    }
    return false;
  };
  return search(model.initial);
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
