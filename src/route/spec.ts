/**
 * A route as plain data: what the main thread tells the workers. Everything here survives `postMessage`; a worker
 * turns it into a table with `Compiler` (`compiler.ts`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { TargetOptions, TargetTls } from '../balance/balancer.ts';
import type { StrategyName } from '../balance/strategies.ts';
import type { ChoiceSpec } from './choice.ts';
import type { HandlingSpec } from './handling.ts';

export interface TargetSpec {
  /** Instance id: `node/serviceId`. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Share of the traffic relative to the route's other targets; 0 means none. */
  readonly weight: number;
  /** Index of the instance's counters in the shared counter block. */
  readonly slot: number;
  /** Spoken to over TLS. */
  readonly tls?: TargetTls | undefined;
  /** What else is special about speaking to it. */
  readonly options?: TargetOptions | undefined;
  /** Which of the route's handlings it asks for; the first unless given. */
  readonly arm?: number | undefined;
  /** When it came (ms since the epoch), on a route where instances begin slowly; nothing for those that were there at the start. */
  readonly since?: number | undefined;
  /** It is in the arm that a part of the users get. */
  readonly canary?: boolean | undefined;
  /** In another zone than the balancer. */
  readonly far?: boolean | undefined;
}

export interface RouteSpec {
  /** Host and path as in the tag ("o.test/foo", "/any"), behind "tcp " for a TCP route: the same for as long as somebody serves it. */
  readonly id: string;
  /**
   * TCP routes lead from a listening address or a server name, which is their host. `mirror`: from no client, but from routes that
   * send copies to the service which is their host.
   */
  readonly kind: 'http' | 'tcp' | 'mirror';
  /** Services behind the route; usually one, otherwise joined by ", ". */
  readonly service: string;
  /** Lower-case; may be a glob; "" for any host. */
  readonly host: string;
  readonly path: string;
  /** What is done with its requests: one for all targets, or several that the targets name by their place. Never empty. */
  readonly handlings: readonly HandlingSpec[];
  readonly strategy: StrategyName;
  /** What else there is to say about choosing; most routes have nothing. */
  readonly choice?: ChoiceSpec;
  /** Index of the route's counters in the shared counter block, and of its turn (see `turns` of the compiler). */
  readonly slot: number;
  /** Empty when there are instances but none may get traffic: such a request is answered 503. */
  readonly targets: readonly TargetSpec[];
}

/** Some targets of a route changed and nothing else: cheaper to send than thousands that did not. */
export interface RoutePatch {
  readonly id: string;
  /** New or changed targets. */
  readonly set: readonly TargetSpec[];
  /** Instance ids. */
  readonly gone: readonly string[];
}

/** What changed since the version before. To be sent to the workers as it is. */
export interface RouteDelta {
  /** Counts up by one. */
  readonly version: number;
  readonly changed: readonly RouteSpec[];
  readonly patched: readonly RoutePatch[];
  /** Ids of routes that are gone. */
  readonly removed: readonly string[];
}

/** Below this many targets a changed route is sent whole: the patch would save nothing. */
const PATCH_FROM = 16;

/**
 * How to bring a worker from `before` to `after`: a patch when few of many targets changed, the whole spec
 * otherwise, undefined when nothing changed.
 */
export function difference(before: RouteSpec, after: RouteSpec): RouteSpec | RoutePatch | undefined {
  const known = new Map<string, TargetSpec>();
  for (const target of before.targets) known.set(target.id, target);
  const set: TargetSpec[] = [];
  for (const target of after.targets) {
    const old = known.get(target.id);
    known.delete(target.id);
    if (old === undefined || !isSameTarget(old, target)) set.push(target);
  }
  const gone = [...known.keys()];
  const isSameHead =
    before.service === after.service &&
    before.strategy === after.strategy &&
    isDeepStrictEqual(before.choice, after.choice) &&
    before.slot === after.slot &&
    isDeepStrictEqual(before.handlings, after.handlings);
  if (isSameHead && set.length === 0 && gone.length === 0) return undefined;
  const isSmall = set.length + gone.length < after.targets.length / 4;
  return isSameHead && isSmall && after.targets.length >= PATCH_FROM ? { id: after.id, set, gone } : after;
}

/** Whether the second, when it comes, can be taken for the first. */
function isSameTarget(a: TargetSpec, b: TargetSpec): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.slot === b.slot &&
    a.since === b.since &&
    a.canary === b.canary &&
    a.far === b.far &&
    isSameTls(a.tls, b.tls) &&
    (a.arm ?? 0) === (b.arm ?? 0) &&
    isDeepStrictEqual(a.options, b.options)
  );
}

/** Whether connections for the one can be used for the other. */
export function isSameTls(a: TargetTls | undefined, b: TargetTls | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

export function isPatch(change: RouteSpec | RoutePatch): change is RoutePatch {
  return 'gone' in change;
}
