import type { Engine } from '../http1/engine.ts';
import type { TcpTransport } from './links.ts';

/**
 * What all relayed connections of a worker share; the worker's engine for HTTP has the same. `time` is that of the last sweep or event
 * (ms): near enough for timeouts of seconds, and no look at the clock for each read.
 */
export interface TcpEngine
  extends Pick<
    Engine,
    'counters' | 'outcomes' | 'onLack' | 'time' | 'touch' | 'waiting' | 'rates' | 'wallTime'
  > {}

export interface TcpWorker {
  readonly engine: TcpEngine;
  readonly transport: TcpTransport;
}
