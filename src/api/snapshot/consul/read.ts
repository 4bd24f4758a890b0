import type { Write } from '../../../catalog/transaction.ts';
import { MsgpackError, MsgpackReader } from '../../../lib/msgpack.ts';
import { FieldError, Fields } from './fields.ts';
import { Gathered } from './gathered.ts';
import { BOOKKEEPING, ENTERPRISE, KINDS, LEFT_OUT } from './kinds.ts';

/** What the state of a Consul is here. */
export interface ConsulState {
  readonly writes: Write[];
  /** How much of what was passed over, by what it is, in the plural. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Says which record is damaged, and how. */
export class RecordError extends Error {}

/** Records read in one turn of the event loop: some milliseconds. */
const BATCH = 1_000;

/**
 * Reads the state of Consul's machine as its snapshots have it: a header, then for each record a byte that says of which kind
 * it is, and a value of msgpack (Consul's agent/consul/fsm/snapshot.go). `now` in ms since the epoch. Rejects with
 * `RecordError`.
 */
export async function readConsulState(state: Buffer, now: number): Promise<ConsulState> {
  const reader = new MsgpackReader(state);
  const gathered = new Gathered(now);
  named('the header', () => void new Fields(reader.read()));
  for (let count = 1; !reader.isAtEnd; count++) {
    const begin = reader.at;
    const type = reader.byte();
    const name = KINDS.get(type)?.name ?? `kind ${type}`;
    named(`record ${count} (${name}, at byte ${begin})`, () => takeRecord(reader, type, gathered));
    if (count % BATCH === 0) await new Promise(setImmediate);
  }
  return { writes: gathered.writes(), leftOut: gathered.leftOut };
}

function takeRecord(reader: MsgpackReader, type: number, gathered: Gathered): void {
  const kind = KINDS.get(type);
  if (kind !== undefined) {
    kind.take(reader.read(), gathered);
    return;
  }
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
