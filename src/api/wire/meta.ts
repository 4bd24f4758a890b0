import { nanoseconds } from '../../lib/duration.ts';
import { type ReadMeta, silenceOf } from '../reply.ts';

/** What a read tells of itself, where Consul has that in the body too: of a transaction that only reads. */
export function metaWire(meta: ReadMeta) {
  return {
    Index: meta.index,
    LastContact: nanoseconds(silenceOf(meta)),
    KnownLeader: meta.contact?.known ?? true,
  };
}

/** And of a prepared query that is run or explained. */
export function queryMetaWire(meta: ReadMeta) {
  return { ...metaWire(meta), ConsistencyLevel: meta.consistency, NotModified: false };
}
