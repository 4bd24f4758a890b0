import type { Indexed } from '../../../catalog/rows.ts';
import type { Packed } from '../../../lib/msgpack.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import type { Gathered } from './gathered.ts';

/** A kind of record that becomes rows of ours. */
export interface RecordKind {
  /** Consul's name of it, for the words of an error. */
  readonly name: string;
  /** Makes rows of a record. Throws `FieldError` or `MsgpackError` for one that is not as Consul writes it. */
  take(value: Packed, into: Gathered): void;
}

/** Where a row stands, as Consul's structs have it. */
export function indexes({ createIndex, modifyIndex }: Indexed): Record<string, Packable> {
  return { CreateIndex: createIndex, ModifyIndex: modifyIndex };
}
