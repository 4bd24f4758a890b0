/** etcd's messages, as far as they are used here: etcdserverpb/rpc.proto and mvccpb/kv.proto of etcd 3.4. */
import { fieldsOf, MessageWriter } from './protobuf.ts';

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly modRevision: number;
  /** 0n: it stays until it is deleted. */
  readonly lease: bigint;
}

/** What ranges over keys: one key, or with `end` all from `key` up to but not `end`. */
export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

export type Operation =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: Uint8Array | string;
      readonly lease?: bigint;
    }
  | ({ readonly kind: 'delete' } & KeyRange)
  | ({ readonly kind: 'get' } & KeyRange);

/** Holds when the last change of the key was at this revision; 0: when there is no such key. */
export interface Unchanged {
  readonly key: string;
  readonly modRevision: number;
}

export interface Txn {
  readonly compare: readonly Unchanged[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface TxnAnswer {
  readonly succeeded: boolean;
  /** Revision of the store after it. */
  readonly revision: number;
  /** What was read, one list for each `get`. */
  readonly reads: readonly (readonly KeyValue[])[];
}

export interface RangeOptions extends KeyRange {
  readonly limit?: number;
  /** Read as of this revision; 0: the newest. */
  readonly revision?: number;
  /** Answered by the member that is asked, without asking the others: maybe old. */
  readonly serializable?: boolean;
}

export interface RangeAnswer {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

export interface WatchEvent {
  readonly deleted: boolean;
  readonly kv: KeyValue;
}

export interface WatchAnswer {
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0: what was asked for is compacted, this is the oldest that is left. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of the same revision follows in the next message. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

export interface EtcdMember {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
}

export interface EtcdStatus {
  /** The member that answered. */
  readonly member: bigint;
  readonly version: string;
  /** Bytes on disk. */
  readonly size: number;
  /** 0n: none is known. */
  readonly leader: bigint;
  readonly raftIndex: number;
  readonly raftTerm: number;
}

/** Of `Compare`: how, and what of the key. */
const EQUAL = 0;
const MOD_REVISION = 2;

function rangeWriter({ key, end = '' }: KeyRange): MessageWriter {
  return new MessageWriter().bytes(1, key).bytes(2, end);
}

export function rangeRequest(options: RangeOptions): Buffer {
  return rangeWriter(options)
    .uint(3, options.limit ?? 0)
    .uint(4, options.revision ?? 0)
    .uint(7, options.serializable ?? false)
    .finish();
}

function operationWriter(operation: Operation): MessageWriter {
  const writer = new MessageWriter();
  switch (operation.kind) {
    case 'get':
      return writer.message(1, rangeWriter(operation));
    case 'put': {
      const { key, value, lease = 0n } = operation;
      return writer.message(2, new MessageWriter().bytes(1, key).bytes(2, value).uint(3, lease));
    }
    case 'delete':
      return writer.message(3, rangeWriter(operation));
  }
}

export function txnRequest({ compare, success, failure = [] }: Txn): Buffer {
  const writer = new MessageWriter();
  for (const { key, modRevision } of compare) {
    const condition = new MessageWriter().uint(1, EQUAL).uint(2, MOD_REVISION).bytes(3, key);
    writer.message(1, condition.oneOf(6, modRevision));
  }
  for (const operation of success) writer.message(2, operationWriter(operation));
  for (const operation of failure) writer.message(3, operationWriter(operation));
  return writer.finish();
}

export function watchCreateRequest(range: KeyRange, startRevision: number): Buffer {
  const create = rangeWriter(range).uint(3, startRevision).uint(8, true);
  return new MessageWriter().message(1, create).finish();
}

/** Has the server say how far it is: answered by a message without events. */
export function watchProgressRequest(): Buffer {
  return new MessageWriter().message(3, new MessageWriter()).finish();
}

export const emptyRequest = (): Buffer => Buffer.alloc(0);
export const idRequest = (id: bigint): Buffer => new MessageWriter().uint(1, id).finish();
export const compactionRequest = (revision: number): Buffer => new MessageWriter().uint(1, revision).finish();
/** `seconds` at least; etcd may give more. It chooses the ID itself for 0. */
export const leaseGrantRequest = (seconds: number, id = 0n): Buffer =>
  new MessageWriter().uint(1, seconds).uint(2, id).finish();
export const authenticateRequest = (name: string, password: string): Buffer =>
  new MessageWriter().bytes(1, name).bytes(2, password).finish();
export const memberAddRequest = (peerUrl: string, learner: boolean): Buffer =>
  new MessageWriter().bytes(1, peerUrl).uint(2, learner).finish();

function revisionOf(header: Buffer): number {
  for (const { number, int } of fieldsOf(header)) if (number === 3) return Number(int);
  return 0;
}

function keyValue(message: Buffer): KeyValue {
  let key: Buffer = Buffer.alloc(0);
  let value: Buffer = key;
  let modRevision = 0;
  let lease = 0n;
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) key = bytes;
    else if (number === 3) modRevision = Number(int);
    else if (number === 5) value = bytes;
    else if (number === 6) lease = int;
  }
  return { key, value, modRevision, lease };
}

export function rangeAnswer(message: Buffer): RangeAnswer {
  let revision = 0;
  let more = false;
  const kvs: KeyValue[] = [];
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) revision = revisionOf(bytes);
    else if (number === 2) kvs.push(keyValue(bytes));
    else if (number === 3) more = int !== 0n;
  }
  return { revision, kvs, more };
}

export function txnAnswer(message: Buffer): TxnAnswer {
  let revision = 0;
  let succeeded = false;
  const reads: (readonly KeyValue[])[] = [];
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) revision = revisionOf(bytes);
    else if (number === 2) succeeded = int !== 0n;
    else if (number === 3)
      for (const response of fieldsOf(bytes))
        if (response.number === 1) reads.push(rangeAnswer(response.bytes).kvs);
  }
  return { revision, succeeded, reads };
}

export function watchAnswer(message: Buffer): WatchAnswer {
  const answer = {
    revision: 0,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events: [] as WatchEvent[],
  };
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) answer.revision = revisionOf(bytes);
    else if (number === 3) answer.created = int !== 0n;
    else if (number === 4) answer.canceled = int !== 0n;
    else if (number === 5) answer.compactRevision = Number(int);
    else if (number === 6) answer.cancelReason = bytes.toString();
    else if (number === 7) answer.fragment = int !== 0n;
    else if (number === 11) answer.events.push(watchEvent(bytes));
  }
  return answer;
}

function watchEvent(message: Buffer): WatchEvent {
  let deleted = false;
  let kv: KeyValue | undefined;
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) deleted = int === 1n;
    else if (number === 2) kv = keyValue(bytes);
  }
  return { deleted, kv: kv ?? keyValue(Buffer.alloc(0)) };
}

/** The ID in the answer of a lease that was granted or kept alive, and the seconds that it has; 0: it is gone. */
export function leaseAnswer(message: Buffer): { id: bigint; seconds: number } {
  let id = 0n;
  let seconds = 0;
  for (const { number, int } of fieldsOf(message)) {
    if (number === 2) id = int;
    else if (number === 3) seconds = Number(int);
  }
  return { id, seconds };
}

export function tokenAnswer(message: Buffer): string {
  for (const { number, bytes } of fieldsOf(message)) if (number === 2) return bytes.toString();
  return '';
}

function member(message: Buffer): EtcdMember {
  const found = { id: 0n, name: '', peerUrls: [] as string[], learner: false };
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) found.id = int;
    else if (number === 2) found.name = bytes.toString();
    else if (number === 3) found.peerUrls.push(bytes.toString());
    else if (number === 5) found.learner = int !== 0n;
  }
  return found;
}

export function memberListAnswer(message: Buffer): EtcdMember[] {
  return [...fieldsOf(message)].filter(({ number }) => number === 2).map(({ bytes }) => member(bytes));
}

/** The new member, and all of them with it. */
export function memberAddAnswer(message: Buffer): { member: EtcdMember; members: EtcdMember[] } {
  let added: EtcdMember | undefined;
  const members: EtcdMember[] = [];
  for (const { number, bytes } of fieldsOf(message)) {
    if (number === 2) added = member(bytes);
    else if (number === 3) members.push(member(bytes));
  }
  return { member: added ?? member(Buffer.alloc(0)), members };
}

export function statusAnswer(message: Buffer): EtcdStatus {
  const status = { member: 0n, version: '', size: 0, leader: 0n, raftIndex: 0, raftTerm: 0 };
  for (const { number, int, bytes } of fieldsOf(message)) {
    if (number === 1) {
      for (const field of fieldsOf(bytes)) if (field.number === 2) status.member = field.int;
    } else if (number === 2) status.version = bytes.toString();
    else if (number === 3) status.size = Number(int);
    else if (number === 4) status.leader = int;
    else if (number === 5) status.raftIndex = Number(int);
    else if (number === 6) status.raftTerm = Number(int);
  }
  return status;
}
