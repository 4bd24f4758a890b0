import { randomUUID } from 'node:crypto';
import { createSession } from '../../catalog/commands/session.ts';
import { MEMBER_CHECK, type Session } from '../../catalog/rows.ts';
import type { Draft } from '../../catalog/transaction.ts';
import { formatDuration, NANOSECONDS_PER_MS, parseDuration } from '../../lib/duration.ts';
import { applied } from '../applied.ts';
import { nodeSpelling } from '../catalog/vet.ts';
import type { ApiContext } from '../context.ts';
import {
  type Decoded,
  type Description,
  decodeBody,
  durationError,
  list,
  object,
  optional,
  preset,
  string,
} from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

/** Numbers below this are taken for seconds, as in Consul, where people used to write them so. */
const SECONDS_BELOW = 1000;

/** Milliseconds from "15s", from nanoseconds, or from a small number of seconds. */
const lockDelay: Description<number> = {
  zero: () => 0,
  schema: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  read(value, _place, refuse) {
    const ms = typeof value === 'string' ? parseDuration(value) : Number(value) / NANOSECONDS_PER_MS;
    if (ms === undefined || Number.isNaN(ms)) {
      refuse(durationError(String(value)));
      return 0;
    }
    const nanoseconds = ms * NANOSECONDS_PER_MS;
    return nanoseconds < SECONDS_BELOW ? nanoseconds * 1000 : ms;
  },
};

/** What a session hangs on when the request says nothing. */
const ownHealth = (): string[] => [MEMBER_CHECK];

const BODY = object(
  {
    ID: string,
    Name: string,
    Node: optional(string),
    LockDelay: optional(lockDelay),
    Behavior: string,
    TTL: string,
    NodeChecks: preset(list(string), ownHealth),
    ServiceChecks: list(object({ ID: string, Namespace: string }, { name: 'ServiceCheck', loose: true })),
    Checks: preset(list(string), ownHealth),
  },
  { name: 'Session', loose: true },
);

/** Of the session, when the request says nothing: Consul's. */
const DEFAULT_LOCK_DELAY = 15_000;

export const sessionCreate = endpoint({
  method: 'PUT',
  path: '/v1/session/create',
  needs: 'checked',
  summary: 'Makes a session; answers its ID',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const draft = draftOf(context, await decodeBody(request, BODY, { allowEmpty: true }));
    request.authorize('session', 'write', nodeSpelling(context.catalog, draft.node));
    const { answer } = await applied(context.store.write((tx) => createSession(tx, draft)));
    return json({ ID: answer.id });
  },
});

function draftOf(context: ApiContext, body: Decoded<typeof BODY>): Draft<Session> {
  return {
    id: randomUUID(),
    name: body.Name,
    node: nodeOf(body, context),
    ...checksOf(body),
    serviceChecks: (body.ServiceChecks ?? []).map(({ ID, Namespace }) => ({ id: ID, namespace: Namespace })),
    behavior: behaviorOf(body.Behavior),
    ttl: ttlOf(body.TTL, context.settings.sessionTtlMin),
    lockDelay: body.LockDelay ?? DEFAULT_LOCK_DELAY,
  };
}

/** This agent's, unless the request says another; "" is none. */
function nodeOf({ Node }: Decoded<typeof BODY>, { node }: ApiContext): string {
  if (Node === '') throw new HttpError(500, 'Must provide Node');
  return Node ?? node.name;
}

/** Consul's rule: no list (null, too) in the older field empties both; the node's health in it leaves it to the newer one. */
function checksOf({ NodeChecks, Checks }: Decoded<typeof BODY>): Pick<Session, 'nodeChecks' | 'checks'> {
  const nodeChecks = NodeChecks ?? [];
  const checks = Checks ?? [];
  if (checks.length === 0) return { nodeChecks: [], checks };
  if (checks.length === 1 && checks[0] === MEMBER_CHECK) return { nodeChecks, checks: [] };
  return { nodeChecks, checks: nodeChecks.length === 0 ? [] : checks };
}

function behaviorOf(text: string): Session['behavior'] {
  if (text === '' || text === 'release') return 'release';
  if (text === 'delete') return 'delete';
  throw new HttpError(500, `Invalid Behavior setting '${text}'`);
}

/** A session that is not renewed for a day is none. */
const MAX_TTL = 24 * 3_600_000;

function ttlOf(text: string, least: number): string {
  if (text === '') return '';
  const ms = parseDuration(text);
  if (ms === undefined) throw new HttpError(500, `Session TTL '${text}' invalid: ${durationError(text)}`);
  if (ms !== 0 && (ms < least || ms > MAX_TTL))
    throw new HttpError(
      500,
      `Invalid Session TTL '${ms * NANOSECONDS_PER_MS}', must be between [${formatDuration(least)}=${formatDuration(MAX_TTL)}]`,
    );
  return text;
}
