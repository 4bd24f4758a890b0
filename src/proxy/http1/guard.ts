/**
 * What is looked at before a request of a special route is given to an instance: redirects, access rules, credentials, and
 * which of the route's targets it is. Plain code: few routes have any of it, and the others never come here.
 */
import type { Target } from '../../balance/balancer.ts';
import type { Route } from '../../route/table.ts';
import type { Engine } from './engine.ts';
import { AUTHORIZATION, X_FORWARDED_FOR, X_FORWARDED_PROTO } from './fields.ts';
import type { Frontend } from './frontend.ts';
import type { OwnPage } from './page.ts';
import { type RedirectRequest, redirectTarget, redirectUrl } from './redirect.ts';

const NONE: readonly Target[] = [];

export type Verdict =
  | {
      readonly kind: 'pass';
      readonly route: Route;
      /** The first to be asked; undefined: whoever the balancer says. */
      readonly target: Target | undefined;
      /** Set when the credentials are still being looked at: false refuses. */
      readonly authorized: Promise<boolean> | undefined;
      /** Where the client is sent instead once it is known to be allowed; "" for nowhere. */
      readonly location: string;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unauthorized'; readonly realm: string };

/** How it goes on with a request whose credentials are still being looked at. */
export interface Admission {
  readonly allowed: Promise<boolean>;
  /** The answer when they are wrong. */
  readonly refusal: OwnPage;
  /** The answer when they are right; undefined: that of an instance. */
  readonly answer: OwnPage | undefined;
}

/** Judges the request whose head the engine has just read. */
export function judge(engine: Engine, frontend: Frontend, address: string, first: Route): Verdict {
  const passed: Route[] = [];
  let route: Route | undefined = first;
  while (route !== undefined) {
    const chosen: Target | undefined =
      route.arms !== undefined || route.handling.hostOfTarget ? route.balancer.next(NONE) : undefined;
    const arm: Route = (chosen === undefined ? undefined : route.arms?.get(chosen)) ?? route;
    const location = locationOf(engine, arm);
    if (location !== LOOP) return judgeArm(engine, address, arm, chosen, location);
    // It would lead the client to where it is: the next best route answers.
    passed.push(route);
    const { request, memory, routes } = engine;
    const { hostStart, hostEnd, pathStart, pathEnd } = request;
    route = routes.next(memory, hostStart, hostEnd, pathStart, pathEnd, frontend.secure, passed);
  }
  return { kind: 'none' };
}

function judgeArm(
  engine: Engine,
  address: string,
  route: Route,
  target: Target | undefined,
  location: string,
): Verdict {
  const { access, auth, redirect } = route.handling;
  if (access !== undefined) {
    const isIn = access.admits(address) && access.admitsAll(valuesOf(engine, X_FORWARDED_FOR));
    if (!isIn) return { kind: 'denied' };
  }
  let authorized: Promise<boolean> | undefined;
  if (auth !== undefined) {
    const verdict = engine.credentials.check(auth, valuesOf(engine, AUTHORIZATION));
    if (verdict === false) return { kind: 'unauthorized', realm: engine.credentials.realm(auth) };
    if (verdict !== true) authorized = verdict;
  }
  if (redirect !== undefined && authorized === undefined)
    return { kind: 'redirect', status: redirect.code, location };
  return { kind: 'pass', route, target, authorized, location };
}

/** Says that a redirect would lead to the very request. */
const LOOP = 'loop';

function locationOf(engine: Engine, { handling }: Route): string {
  const { redirect } = handling;
  if (redirect === undefined) return '';
  const { request, memory } = engine;
  const asked: RedirectRequest = {
    host: textOf(memory, request.hostStart, request.hostEnd),
    path: textOf(memory, request.pathStart, request.pathEnd),
    query: textOf(memory, Math.min(request.pathEnd + 1, request.targetEnd), request.targetEnd),
  };
  const decoder = new TextDecoder();
  const spec = { strip: decoder.decode(handling.strip), prepend: decoder.decode(handling.prepend) };
  const target = redirectTarget(redirect, spec, asked);
  const isLoop =
    target.scheme === valuesOf(engine, X_FORWARDED_PROTO) &&
    target.host === asked.host &&
    target.path === asked.path;
  return isLoop ? LOOP : redirectUrl(target);
}

/** The values of all lines of a field, joined by commas. */
function valuesOf({ request, memory }: Engine, field: number): string {
  const { fields } = request;
  if (!fields.has(field)) return '';
  const values: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    if (fields.field[i] !== field) continue;
    fields.trim(memory, i);
    values.push(textOf(memory, fields.valueStart, fields.valueEnd));
  }
  return values.join(',');
}

function textOf(memory: Uint8Array, start: number, end: number): string {
  return Buffer.from(memory.buffer, memory.byteOffset + start, end - start).toString('latin1');
}
