import type { Write } from '../catalog/transaction.ts';
import { decodeWrites, type EncodedWrites, encodeWrites, writesOf } from '../store/etcd/layout.ts';
import { fromText, toText } from '../store/row-text.ts';
import type { Entry } from './book.ts';
import type { UserEvent } from './event-log.ts';

/** What a server knows of the cluster. It holds until the next is sent. */
export interface ClusterState {
  /** Whether a majority of the servers is there, and for how many ms it was not heard of. */
  readonly known: boolean;
  readonly silence: number;
  readonly servers: readonly Entry[];
  readonly leader: string;
  /** The time of day for what is committed, ms since the epoch; versions before do not tell. */
  readonly time?: number;
}

/** What a server sends to those who follow it, in this order: all rows or nothing, then commits; the others at any time. */
export type FeedMessage =
  /** Some of the rows as of the `index` that a `whole` names afterwards. */
  | { readonly kind: 'rows'; readonly writes: readonly Write[] }
  | { readonly kind: 'whole'; readonly index: number }
  | {
      readonly kind: 'commit';
      readonly base: number;
      readonly index: number;
      readonly writes: readonly Write[];
    }
  /** `pace`: how often a sign of life is asked for, in ms. */
  | ({ readonly kind: 'state'; readonly index: number; readonly pace: number } & ClusterState)
  /** `keys`: all that the nodes know each other by now, the primary one first. */
  | { readonly kind: 'news'; readonly event?: UserEvent; readonly keys?: readonly string[] };

/**
 * A message as one line. Writes stand in it as they are (`encodeWrites`), so that they are read in one go with it; only those that JSON
 * has no words for are text in the text.
 */
export function lineOf(message: FeedMessage): Buffer {
  if (message.kind !== 'rows' && message.kind !== 'commit') return Buffer.from(`${toText(message)}\n`);
  const { writes, ...head } = message;
  const text = encodeWrites(writes);
  const value = text.startsWith('[') ? text : JSON.stringify(text);
  return Buffer.from(`${JSON.stringify(head).slice(0, -1)},"writes":${value}}\n`);
}

/** The message of a line without its end. Throws `SyntaxError`. */
export function messageIn(line: string): FeedMessage {
  const message = fromText<{ kind: FeedMessage['kind']; writes?: string | EncodedWrites }>(line);
  const { writes } = message;
  if (writes === undefined) return message as FeedMessage;
  return {
    ...message,
    writes: typeof writes === 'string' ? decodeWrites(writes) : writesOf(writes),
  } as FeedMessage;
}

/** The same. Undefined: it is none, of a server of another version say, or cut off. */
export function readMessage(line: string): FeedMessage | undefined {
  try {
    return messageIn(line);
  } catch {
    return undefined;
  }
}
