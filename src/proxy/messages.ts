/** What main thread and worker say to each other. Plain data: everything here survives `postMessage`. */
import type { TableOptions } from '../route/byte-table.ts';
import type { RouteDelta } from '../route/spec.ts';
import type { Ejection } from './ejector.ts';
import type { ProxyLimits } from './limits.ts';
import type { ShortageReport } from './shortage.ts';

/** Given to a worker when it starts. */
export interface WorkerOrders {
  readonly host: string;
  readonly port: number;
  readonly limits: Partial<ProxyLimits>;
  readonly counters: SharedArrayBuffer;
  /** One int per slot: whose turn it is, shared by the workers. */
  readonly turns: SharedArrayBuffer;
  readonly localAddress: string | undefined;
  readonly table: TableOptions | undefined;
  readonly routes: RouteDelta;
}

export type ToWorker =
  | { readonly type: 'routes'; readonly delta: RouteDelta }
  /** Finish what is under way for at most `patience` ms, then end. */
  | { readonly type: 'drain'; readonly patience: number };

export type FromWorker =
  | { readonly type: 'listening'; readonly host: string; readonly port: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** Requests from now on see this version of the routes. */
  | { readonly type: 'applied'; readonly version: number }
  | { readonly type: 'ejected'; readonly ejection: Ejection }
  | { readonly type: 'returned'; readonly id: string }
  | { readonly type: 'shortage'; readonly report: ShortageReport }
  | { readonly type: 'drained' };
