import { type ReadMeta, silenceOf } from '../reply.ts';

const NANOSECONDS_PER_MS = 1e6;

/** What a read tells of itself, where Consul has that in the body too: of a transaction that only reads. */
export function metaWire(meta: ReadMeta) {
  return {
    Index: meta.index,
    LastContact: silenceOf(meta) * NANOSECONDS_PER_MS,
    KnownLeader: meta.contact?.known ?? true,
  };
}

/** And of a prepared query that is run or explained. */
export function queryMetaWire(meta: ReadMeta) {
  return { ...metaWire(meta), ConsistencyLevel: meta.consistency, NotModified: false };
}
