import type { Pools } from '../../route/pools.ts';
import type { Farewell } from '../farewell.ts';
import type { Engine } from '../http1/engine.ts';
import type { ListenAddress, ListenerBase } from '../listener-spec.ts';
import type { Seats } from '../seats.ts';
import type { Dialer } from '../tls/dialer.ts';
import type { Keyring } from '../tls/keyring.ts';

/** What the listeners of a worker share. */
export interface ListenerHome {
  readonly engine: Engine;
  /** The engine's read area, shared by all sockets: what is read is used up before the next read. */
  readonly readBuffer: Buffer;
  readonly seats: Seats;
  readonly keyring: Keyring;
  /** Opens TLS connections to instances. */
  readonly dialer: Dialer;
  /** Where TCP and UDP go. */
  readonly pools: Pools;
  /** A descriptor that is bound to the place, for a port that several workers share; undefined: the listener binds by itself. */
  readonly bind: ((spec: ListenerBase) => Promise<number>) | undefined;
  /** Own address for `by=` in Forwarded. */
  readonly localAddress: string | undefined;
}

/** A listener that takes connections. */
export interface OpenListener {
  /** With the port that was given for port 0. */
  readonly address: ListenAddress;
  /** The sockets it takes connections or datagrams on. */
  readonly descriptors: readonly number[];
  /** Open client connections. */
  readonly size: number;
  /** Called ten times a second with the engine's time: ends what has waited for too long. */
  sweep(now: number): void;
  /** Takes no more connections and lets what is under way end; resolves when all are gone, or after `patience` ms. */
  drain(farewell: Farewell): Promise<void>;
  /** Ends what is left. */
  close(): void;
}
