/** What main thread and worker say to each other, besides changes of routes and pools (`deltas.ts`). Plain data: everything here survives `postMessage`. */
import type { TableOptions } from '../route/byte-table.ts';
import type { PoolDelta } from '../route/pool-spec.ts';
import type { RouteDelta } from '../route/spec.ts';
import type { TransportName } from './choice.ts';
import type { DeltaEnd } from './deltas.ts';
import type { Ejection } from './ejector.ts';
import type { Farewell } from './farewell.ts';
import type { ProxyLimits } from './limits.ts';
import type { ListenerSpec, Listening } from './listener-spec.ts';
import type { Neighbourhood } from './neighbours.ts';
import type { ProxySettings } from './settings.ts';
import type { ShortageReport } from './shortage.ts';
import type { SpanBatch } from './span-post.ts';
import type { ChallengeAnswers, StoreSpec } from './tls/spec.ts';

/** Given to a worker when it starts. */
export interface WorkerOrders {
  readonly transport: TransportName;
  /** For `uring`: where it writes down what has to be closed when it dies. */
  readonly estate: SharedArrayBuffer;
  /** Opened at the start; each is told of as `listening` or `failed`, then comes `ready`. */
  readonly listeners: readonly ListenerSpec[];
  readonly limits: Partial<ProxyLimits>;
  readonly counters: SharedArrayBuffer;
  /** One int per slot: whose turn it is, shared by the workers. */
  readonly turns: SharedArrayBuffer;
  /** Load and ejection of the instances, shared by the workers. */
  readonly states: SharedArrayBuffer;
  readonly neighbourhood: Neighbourhood;
  /** Buckets of the rate limits, shared by the workers. */
  readonly rates: SharedArrayBuffer;
  readonly localAddress: string | undefined;
  readonly table: TableOptions | undefined;
  readonly routes: RouteDelta;
  readonly pools: PoolDelta;
  /** How these two change from then on. */
  readonly deltas: DeltaEnd;
  /** Certificates by the name of their store. */
  readonly stores: ReadonlyMap<string, StoreSpec>;
  readonly ticketKeys: Uint8Array;
  readonly settings: ProxySettings;
}

export type ToWorker =
  /** Look at what changed, though nobody asks; any other message does the same. */
  | { readonly type: 'look' }
  /** What a store of certificates holds from now on; open connections are not touched. */
  | { readonly type: 'certificates'; readonly store: string; readonly spec: StoreSpec }
  /** What is answered to ACME authorities from now on. Answered by `challenges` with the same number. */
  | { readonly type: 'challenges'; readonly number: number; readonly answers: ChallengeAnswers }
  | { readonly type: 'ticket-keys'; readonly keys: Uint8Array }
  /** Instead of all settings before. */
  | { readonly type: 'settings'; readonly settings: ProxySettings }
  /** The last batch of spans was taken: the next may come. */
  | { readonly type: 'spans-taken' }
  /** Answered by `listening` or `failed`. */
  | { readonly type: 'open'; readonly listener: ListenerSpec }
  /** Take no more connections there, and let those there are end. Answered by `closed`. */
  | { readonly type: 'close'; readonly id: string; readonly farewell: Farewell }
  /** Finish what is under way, then end. */
  | { readonly type: 'drain'; readonly farewell: Farewell };

export type FromWorker =
  /** The system does not let it use the transport that was ordered: it ends. */
  | { readonly type: 'refused'; readonly why: string }
  | ({ readonly type: 'listening'; readonly id: string } & Listening)
  | { readonly type: 'failed'; readonly id: string; readonly code: string; readonly message: string }
  /** All listeners of the orders have been told of. */
  | { readonly type: 'ready' }
  /** The listener has no connection any more. */
  | { readonly type: 'closed'; readonly id: string }
  /** Requests from now on see this version of the routes. */
  | { readonly type: 'applied'; readonly version: number }
  /** Connections from now on see this version of the pools. */
  | { readonly type: 'pools-applied'; readonly version: number }
  | { readonly type: 'ejected'; readonly ejection: Ejection }
  | { readonly type: 'returned'; readonly id: string }
  /** Something besides the traffic does not work, in words. */
  | { readonly type: 'trouble'; readonly why: string }
  /** Answered by `spans-taken`. */
  | ({ readonly type: 'spans' } & SpanBatch)
  | { readonly type: 'shortage'; readonly report: ShortageReport }
  | { readonly type: 'challenges'; readonly number: number }
  | { readonly type: 'drained' };
