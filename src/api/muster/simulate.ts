import { POLICIES, type PolicyName } from '../../group/autoscale/policies.ts';
import { SIGNALS, type SignalName } from '../../group/autoscale/signals.ts';
import { parseTrace } from '../../group/autoscale/trace.ts';
import { tryPolicy } from '../../group/trial.ts';
import { parseDuration } from '../../lib/duration.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import type { Query } from '../query.ts';
import { json } from '../reply.ts';
import { groupOf } from './groups.ts';

/** Bytes of a trace: a day of seconds, roughly. */
const MOST_TRACE = 1024 * 1024;
const SIGNAL_NAMES = Object.keys(SIGNALS) as SignalName[];
const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** POST because a trace is sent along; it changes nothing. */
export const simulateGroup = endpoint({
  method: 'POST',
  path: '/v1/muster/groups/:name/simulate',
  needs: 'operator:read',
  summary: 'What the size of a group would have been with another policy; nothing is changed by it',
  query: {
    min: 'least size, in place of what the group has; so with all others',
    max: 'largest size',
    policy: `one of ${POLICY_NAMES.join(', ')}`,
    lookback: 'how far back a peak counts before the group is made smaller, such as 10m',
    ...Object.fromEntries(SIGNAL_NAMES.map((name) => [name, `target: ${SIGNALS[name].unit}`])),
    capacity:
      'requests a second that one instance is able to answer; 1.25 times what it is meant to, unless given',
    boot: 'from the start of an instance to its first request; 30s unless given',
    work: 'how long a request takes; 20ms unless given',
  },
  body: 'A trace, a line "time,requests per second" for each change; empty: the last hour of the group',
  async handler(context, request) {
    const { params, query } = request;
    const group = groupOf(context, params.name);
    const targets = Object.fromEntries(
      SIGNAL_NAMES.flatMap((name) => (query.has(name) ? [[name, amountIn(query, name)]] : [])),
    );
    const text = (await request.body({ limit: MOST_TRACE })).toString();
    const trial = tryPolicy(group.policy(), group.view().history, {
      min: countIn(query, 'min'),
      max: countIn(query, 'max'),
      policy: policyIn(query),
      targets,
      lookback: durationIn(query, 'lookback', 24 * 3_600_000),
      believed: {
        capacity: amountIn(query, 'capacity'),
        boot: durationIn(query, 'boot', 3_600_000),
        work: durationIn(query, 'work', 3_600_000),
      },
      trace: text.trim() === '' ? undefined : parseTrace(text, 'trace'),
    });
    return json(trial);
  },
});

function countIn(query: Query, name: string): number | undefined {
  if (!query.has(name)) return undefined;
  const text = query.get(name);
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 1000) throw badRequest(`Bad ?${name}=: a whole number from 1 to 1000`);
  return count;
}

function amountIn(query: Query, name: string): number | undefined {
  if (!query.has(name)) return undefined;
  const text = query.get(name);
  const amount = /^\d{1,12}(?:\.\d{1,12})?$/.test(text) ? Number(text) : 0;
  if (amount <= 0) throw badRequest(`Bad ?${name}=: a number above 0, such as 120 or 0.5`);
  return amount;
}

function durationIn(query: Query, name: string, most: number): number | undefined {
  if (!query.has(name)) return undefined;
  const ms = parseDuration(query.get(name));
  if (ms === undefined || ms < 0 || ms > most)
    throw badRequest(`Bad ?${name}=: a duration such as 30s or 10m, at most ${most / 3_600_000}h`);
  return ms;
}

function policyIn(query: Query): PolicyName | undefined {
  if (!query.has('policy')) return undefined;
  const found = POLICY_NAMES.find((name) => name === query.get('policy'));
  if (found === undefined) throw badRequest(`Bad ?policy=: one of ${POLICY_NAMES.join(', ')}`);
  return found;
}
