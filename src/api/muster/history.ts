import type { CatalogThen, History, HistoryChange, Moment } from '../../catalog/history.ts';
import { fold } from '../../catalog/tables.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { ApiContext } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import type { Query } from '../query.ts';
import { json } from '../reply.ts';
import { checkWire } from '../wire/check.ts';
import { nodeWire } from '../wire/node.ts';
import { serviceWire } from '../wire/service.ts';
import type { HistoryMoment, PastCatalog, PastChange, PastChanges } from './wire-history.ts';

/** Changes in one answer unless told otherwise, and at most: a page for people, and what a program takes at once. */
const LIMIT = 1_000;
const MAX_LIMIT = 10_000;

const KINDS = { nodes: 'node', services: 'service', checks: 'check' } as const;

export const history = endpoint({
  method: 'GET',
  path: '/v1/muster/history',
  needs: 'overview',
  summary: 'What changed about nodes, services and checks, oldest first; with `at` the catalog as it was',
  query: {
    at: 'the catalog as it was then, instead of changes: an index, a time (RFC 3339), or how long ago (10m)',
    since:
      'changes after this; written like at. As far back as is kept unless given, or when a time is before that',
    until: 'changes up to this; written like at',
    service: 'only this service',
    node: 'only this node',
    limit: `how many changes, the newest ones: ${LIMIT} unless given, at most ${MAX_LIMIT}`,
  },
  handler(context, { query }) {
    const past = pastOf(context);
    if (query.has('at')) return json(pastCatalog(past.at(momentOf(context, past, query.get('at'))), query));
    const since = sinceOf(context, past, query.get('since'));
    const until = query.get('until') === '' ? past.newest : momentOf(context, past, query.get('until'));
    const limit = limitOf(query);
    const wanted = matcher(query);
    const found: PastChange[] = [];
    for (const { index, time, change } of past.between(since.index, until.index)) {
      if (!wanted(change)) continue;
      found.push(changeWire({ index, time }, change));
    }
    const answer: PastChanges = {
      oldest: momentWire(past.oldest),
      newest: momentWire(past.newest),
      changes: found.slice(-limit),
      more: found.length > limit,
    };
    return json(answer);
  },
});

function pastOf({ history: past }: ApiContext): History {
  if (past === undefined) throw new HttpError(404, 'This agent was started without a history');
  return past;
}

/** As `momentOf`. What is kept may begin later than a time or an age: the answer says when. Who names an index must not miss anything. */
function sinceOf(context: ApiContext, past: History, text: string): Moment {
  if (text === '') return past.oldest;
  const then = isIndex(text) ? undefined : timeOf(context, text);
  return then !== undefined && then < past.oldest.time ? past.oldest : momentOf(context, past, text);
}

const isIndex = (text: string): boolean => /^\d{1,15}$/.test(text);

/** Milliseconds since the epoch; undefined for what is neither a time nor an age. */
function timeOf({ clock }: ApiContext, text: string): number | undefined {
  const age = parseDuration(text);
  if (age !== undefined) return clock.now() - age;
  const time = Date.parse(text);
  return /^\d{4}-/.test(text) && !Number.isNaN(time) ? time : undefined;
}

/** Reads an index, a time or an age. Throws 400 when it is none, 410 when it is older than what is kept. */
function momentOf(context: ApiContext, past: History, text: string): Moment {
  const time = timeOf(context, text);
  if (!isIndex(text) && time === undefined)
    throw badRequest(
      `Not an index, a time or an age: ${JSON.stringify(text.slice(0, 100))}. Write 1234, 2026-01-31T12:00:00Z or 10m`,
    );
  const found = isIndex(text) ? past.momentOf(Number(text)) : past.momentAt(time as number);
  if (found !== undefined) return found;
  const { index, time: oldest } = momentWire(past.oldest);
  throw new HttpError(410, `The history reaches back to index ${index} of ${oldest} only`);
}

function limitOf(query: Query): number {
  const text = query.get('limit');
  if (text === '') return LIMIT;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw badRequest('Invalid limit: a number from 1 on');
  return Math.min(Number(text), MAX_LIMIT);
}

type Row = NonNullable<HistoryChange['after']>;

/** Name of the service that a row is about; "" for a node and its own checks. */
function serviceOf(row: Row): string {
  if ('serviceName' in row) return row.serviceName;
  return 'node' in row ? row.name : '';
}

const nodeOf = (row: Row): string => ('node' in row ? row.node : row.name);

function matcher(query: Query): (change: Pick<HistoryChange, 'before' | 'after'>) => boolean {
  const [service, node] = [fold(query.get('service')), fold(query.get('node'))];
  return ({ before, after }) =>
    [before, after].some(
      (row) =>
        row !== undefined &&
        (service === '' || fold(serviceOf(row)) === service) &&
        (node === '' || fold(nodeOf(row)) === node),
    );
}

function changeWire(moment: Moment, { table, before, after }: HistoryChange): PastChange {
  const row = (after ?? before) as Row;
  return {
    ...momentWire(moment),
    what: KINDS[table],
    change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
    node: nodeOf(row),
    id: 'node' in row ? row.id : '',
    service: serviceOf(row),
    before: before === undefined ? null : rowWire(before),
    after: after === undefined ? null : rowWire(after),
  };
}

function rowWire(row: Row): Record<string, unknown> {
  if ('serviceName' in row) return checkWire(row);
  return 'node' in row ? { Node: row.node, ...serviceWire(row) } : nodeWire(row);
}

function momentWire({ index, time }: Moment): HistoryMoment {
  return { index, time: new Date(time).toISOString() };
}

function pastCatalog({ nodes, services, checks, ...moment }: CatalogThen, query: Query): PastCatalog {
  const matches = matcher(query);
  const wanted = (row: Row) =>
    matches({ before: undefined, after: undefined, ...({ after: row } as object) });
  const keptServices = services.filter(wanted);
  const on = new Set(keptServices.map(({ node }) => fold(node)));
  const byService = query.get('service') !== '';
  return {
    ...momentWire(moment),
    // Of a service also the nodes that it was on, and the checks of those.
    nodes: nodes.filter((row) => (byService ? on.has(fold(row.name)) : wanted(row))).map(nodeWire),
    services: keptServices.map(rowWire),
    checks: checks
      .filter((row) => (byService && row.serviceId === '' ? on.has(fold(row.node)) : wanted(row)))
      .map(checkWire),
  };
}
