/**
 * What is looked at before a request of a special route is given to an instance: redirects, access rules, credentials, and
 * which of the route's targets it is. Plain code: few routes have any of it, and the others never come here.
 */
import type { Target } from '../../balance/balancer.ts';
import { partOf } from '../../balance/hash.ts';
import type { RouteLimitsSpec } from '../../route/handling.ts';
import type { Route } from '../../route/table.ts';
import { askerKey, cookieText, fieldText } from './asker.ts';
import { textOf } from './bytes.ts';
import type { Engine } from './engine.ts';
import { AUTHORIZATION, X_FORWARDED_FOR, X_FORWARDED_PROTO } from './fields.ts';
import type { Forwarding } from './forwarding.ts';
import type { Frontend } from './frontend.ts';
import { type OwnPage, tooLarge } from './page.ts';
import { waitOf } from './rates.ts';
import { type RedirectRequest, redirectTarget, redirectUrl } from './redirect.ts';
import type { Refusal } from './refusals.ts';
import type { Stick } from './sticky.ts';

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
      /** For strategies that send the same one to the same place. */
      readonly key: number;
      /** Set where the client is to come back to the same instance. */
      readonly stick: Stick | undefined;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'denied' }
  /** It comes too soon; `wait` in ms. */
  | { readonly kind: 'limited'; readonly wait: number }
  | ({ readonly kind: 'too-large' } & Refusal)
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
export function judge(engine: Engine, frontend: Frontend, client: Forwarding, first: Route): Verdict {
  const passed: Route[] = [];
  let route: Route | undefined = first;
  while (route !== undefined) {
    const choice = chooseFor(engine, client, route);
    const isFixed = route.arms !== undefined || route.handling.hostOfTarget;
    choice.target ??= isFixed ? choice.route.balancer.next(NONE, choice.key) : undefined;
    // Where nobody has room it waits for the instances of one handling: it is written by that now.
    const member = choice.target ?? route.targets[0];
    const arm: Route = (member === undefined ? undefined : route.arms?.get(member)) ?? choice.route;
    const location = locationOf(engine, frontend, arm);
    if (location !== LOOP) return judgeArm(engine, client.address, arm, choice, location);
    // It would lead the client to where it is: the next best route answers.
    passed.push(route);
    const { request, memory, routes } = engine;
    const { hostStart, hostEnd, pathStart, pathEnd } = request;
    route = routes.next(memory, hostStart, hostEnd, pathStart, pathEnd, frontend.secure, passed);
  }
  return { kind: 'none' };
}

/** What the request itself says about who gets it. */
interface Chosen {
  route: Route;
  target: Target | undefined;
  readonly key: number;
  readonly stick: Stick | undefined;
}

function chooseFor(engine: Engine, client: Forwarding, route: Route): Chosen {
  const { choice } = route;
  if (choice === undefined) return { route, target: undefined, key: client.clientKey, stick: undefined };
  const { sticky, by, canary } = choice;
  const key = askerKey(engine, by, client);
  let stick: Stick | undefined;
  let target: Target | undefined;
  if (sticky !== undefined) {
    const cookie = engine.sticky.cookieOf(route, sticky);
    stick = { cookie, maxAge: sticky.maxAge, name: cookieText(engine, cookie) };
    target = engine.sticky.find(route, stick.name);
  }
  if (canary === undefined) return { route, target, key, stick };
  const { when, share, arm, rest } = canary;
  if (when !== undefined && fieldText(engine, when.header) === when.value)
    return { route: arm, target: target?.canary === true ? target : undefined, key, stick };
  if (target !== undefined) return { route: target.canary === true ? arm : rest, target, key, stick };
  const isIn = partOf(askerKey(engine, canary.by, client), CANARY) < share;
  return { route: isIn ? arm : rest, target, key, stick };
}

/** So that the users of a canary are not those that other draws by the same key pick. */
const CANARY = 0x2545f491;

function judgeArm(
  engine: Engine,
  address: string,
  route: Route,
  { target, key, stick }: Chosen,
  location: string,
): Verdict {
  const { access, auth, redirect, limits, rates } = route.handling;
  if (access !== undefined) {
    const isIn = access.admits(address) && access.admitsAll(valuesOf(engine, X_FORWARDED_FOR));
    if (!isIn) return { kind: 'denied' };
  }
  // Before credentials are looked at: guessing them is what some limits are for.
  const wait = rates.length === 0 ? 0 : waitOf(engine, route, address);
  if (wait > 0) return { kind: 'limited', wait };
  const excess = limits === undefined ? undefined : excessOf(engine, limits);
  if (excess !== undefined) return { kind: 'too-large', ...excess };
  let authorized: Promise<boolean> | undefined;
  if (auth !== undefined) {
    const verdict = engine.credentials.check(auth, valuesOf(engine, AUTHORIZATION));
    if (verdict === false) return { kind: 'unauthorized', realm: engine.credentials.realm(auth) };
    if (verdict !== true) authorized = verdict;
  }
  if (redirect !== undefined && authorized === undefined)
    return { kind: 'redirect', status: redirect.code, location };
  return { kind: 'pass', route, target, authorized, location, key, stick };
}

/** What is larger than the route takes, as far as the head tells. */
function excessOf({ request }: Engine, { maxHead, maxBody }: RouteLimitsSpec): Refusal | undefined {
  const head = request.end - request.start;
  if (maxHead !== undefined && head > maxHead)
    return { status: 431, text: `the request head has ${head} bytes, this route takes ${maxHead}` };
  return maxBody !== undefined && request.fields.contentLength > maxBody ? tooLarge(maxBody) : undefined;
}

/** Says that a redirect would lead to the very request. */
const LOOP = 'loop';

function locationOf(engine: Engine, { authority }: Frontend, { handling }: Route): string {
  const { redirect } = handling;
  if (redirect === undefined) return '';
  const { request, memory } = engine;
  const asked: RedirectRequest = {
    // Empty, or left out by HTTP/1.0: the place that was asked, as for instances.
    host: textOf(memory, request.hostStart, request.hostEnd) || textOf(authority, 0, authority.length),
    path: textOf(memory, request.pathStart, request.pathEnd),
    query: textOf(memory, Math.min(request.pathEnd + 1, request.targetEnd), request.targetEnd),
  };
  const decoder = new TextDecoder();
  const spec = { strip: decoder.decode(handling.strip), prepend: decoder.decode(handling.prepend) };
  const target = redirectTarget(redirect, spec, asked);
  const isLoop =
    (target.scheme === '' || target.scheme === valuesOf(engine, X_FORWARDED_PROTO)) &&
    (target.host === '' || target.host === asked.host) &&
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
