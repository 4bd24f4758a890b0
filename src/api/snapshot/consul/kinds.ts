import { aclPolicy, aclRole, aclToken } from './acl.ts';
import { configEntry } from './config-entry.ts';
import { coordinates } from './coordinates.ts';
import type { RecordKind } from './kind.ts';
import { kv, tombstone } from './kv.ts';
import { autopilot, index } from './operator.ts';
import { preparedQuery } from './prepared-query.ts';
import { register } from './register.ts';
import { session } from './session.ts';

/** Records that become rows, by the number that Consul gives them (`MessageType` in its agent/structs/structs.go). */
export const KINDS: ReadonlyMap<number, RecordKind> = new Map([
  [0, register],
  [2, kv],
  [3, session],
  [5, tombstone],
  [6, coordinates],
  [7, preparedQuery],
  [9, autopilot],
  [16, index],
  [17, aclToken],
  [19, aclPolicy],
  [22, configEntry],
  [23, aclRole],
]);

/** Records that mean nothing here, as they are told to whoever restores them. */
export const LEFT_OUT: ReadonlyMap<number, string> = new Map([
  [4, 'tokens of before Consul 1.4'],
  [12, 'intentions'],
  [13, 'certificates of the mesh'],
  [14, 'certificates of the mesh'],
  [15, 'certificates of the mesh'],
  [25, 'binding rules'],
  [27, 'auth methods'],
  [30, 'federation states'],
  [35, 'peerings'],
  [38, 'peerings'],
  [40, 'peerings'],
  [42, 'resources of the second catalog'],
]);

/** What only Consul's own working hangs on: parts of large writes, notes of its versions, addresses that its mesh gives out. */
export const BOOKKEEPING: ReadonlySet<number> = new Set([29, 31, 32, 33, 34]);

/** From here on Consul Enterprise numbers its own. */
export const ENTERPRISE = 64;
