import type { Packed } from '../../../lib/msgpack.ts';
import type { Gathered } from './gathered.ts';

/** A kind of record that becomes rows of ours. */
export interface RecordKind {
  /** Consul's name of it, for the words of an error. */
  readonly name: string;
  /** Makes rows of a record. Throws `FieldError` or `MsgpackError` for one that is not as Consul writes it. */
  take(value: Packed, into: Gathered): void;
}
