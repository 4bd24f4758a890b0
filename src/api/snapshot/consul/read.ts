import type { Write } from '../../../catalog/transaction.ts';
import { nextTurn } from '../../../lib/in-turns.ts';
import { MsgpackError, MsgpackReader } from '../../../lib/msgpack.ts';
import { FieldError, Fields } from './fields.ts';
import { Gathered } from './gathered.ts';
import type { RecordKind } from './kind.ts';
import { BOOKKEEPING, ENTERPRISE, KINDS, LEFT_OUT } from './kinds.ts';
import { OWN_ROW, ownRow } from './own-row.ts';

/** What the state of a Consul is here. */
export interface ConsulState {
  readonly writes: Write[];
  /** How much of what was passed over, by what it is, in the plural. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Says which record is damaged, and how. */
export class RecordError extends Error {}

/** Records read in one turn of the event loop: some 2 ms. */
const BATCH = 64;

/**
 * Reads the state of Consul's machine as its snapshots have it: a header, then for each record a byte that says of which kind
 * it is, and a value of msgpack (Consul's agent/consul/fsm/snapshot.go). `now` in ms since the epoch. Rejects with
 * `RecordError`.
 */
export async function readConsulState(state: Buffer, now: number): Promise<ConsulState> {
  const gathered = new Gathered(now);
  await readState(state, gathered, KINDS);
  return { writes: await gathered.writes(), leftOut: gathered.leftOut };
}

const OWN_KINDS: ReadonlyMap<number, RecordKind> = new Map([...KINDS, [OWN_ROW, ownRow]]);

/** What `writeState` wrote: every row as it was. Rejects with `RecordError`. */
export async function readOwnState(state: Buffer, now: number): Promise<Write[]> {
  const gathered = new Gathered(now, true);
  await readState(state, gathered, OWN_KINDS);
  return gathered.writes();
}

async function readState(
  state: Buffer,
  gathered: Gathered,
  kinds: ReadonlyMap<number, RecordKind>,
): Promise<void> {
  const reader = new MsgpackReader(state);
  named('the header', () => void new Fields(reader.read()));
  for (let count = 1; !reader.isAtEnd; count++) {
    const begin = reader.at;
    const type = reader.byte();
    const kind = kinds.get(type);
    named(`record ${count} (${kind?.name ?? `kind ${type}`}, at byte ${begin})`, () => {
      if (kind !== undefined) kind.take(reader.read(), gathered);
      else passOver(reader, type, gathered);
    });
    if (count % BATCH === 0) await nextTurn();
  }
}

function passOver(reader: MsgpackReader, type: number, gathered: Gathered): void {
  reader.skip();
  if (BOOKKEEPING.has(type)) return;
  const unknown = type >= ENTERPRISE ? 'records of Consul Enterprise' : `records of the unknown kind ${type}`;
  gathered.leaveOut(LEFT_OUT.get(type) ?? unknown);
}

function named(what: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FieldError) && !(error instanceof MsgpackError)) throw error;
    throw new RecordError(`${what} is damaged: ${error.message}`, { cause: error });
  }
}
