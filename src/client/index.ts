/** The SDK: a client for Muster's and Consul's HTTP API, without dependencies. */
export { isMusterError, MusterError } from '../errors.ts';
export type * from './acl.ts';
export type { Lock, LockOptions } from './claim.ts';
export { Client } from './client.ts';
export type { ConfigEntry } from './config.ts';
export {
  type Answer,
  type CallOptions,
  type Consistency,
  type Params,
  type ReadOptions,
  RefusedError,
  type Request,
} from './connection.ts';
export { type Coordinate, type NodeCoordinate, roundTrip } from './coordinate.ts';
export type { FireOptions, UserEvent } from './event.ts';
export type { HealthOptions } from './health.ts';
export type { PutOptions } from './kv.ts';
export { takeLock } from './lock.ts';
export type { AutopilotConfiguration, AutopilotServer, AutopilotState, RaftServer } from './operator.ts';
export { type ClientOptions, clientOptionsFromEnv } from './options.ts';
export { registerSelf, type SelfOptions, type SelfRegistration } from './register-self.ts';
export { type SemaphoreOptions, takePlace } from './semaphore.ts';
export type { Reply } from './transport.ts';
export type * from './types.ts';
export { Watch, type WatchOptions } from './watch.ts';
