import type { Catalog } from '../../catalog/catalog.ts';
import type { KvEntry } from '../../catalog/rows.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingMeta, sharedReply } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { bytes, empty, json, type Reply } from '../reply.ts';
import { kvWire } from '../wire/kv.ts';

export const getKey = endpoint({
  method: 'GET',
  path: '/v1/kv/:key',
  needs: 'checked',
  summary: 'A key, all keys below a prefix, or only their names',
  query: {
    raw: 'only the value, as bytes',
    recurse: 'all keys that start so',
    keys: 'only the names of all keys that start so',
    separator: 'with keys: fold what follows this text',
    ...READ_QUERY,
  },
  handler(context, request) {
    const { query, params } = request;
    if (context.acl?.enableKeyListPolicy && (query.has('keys') || query.has('recurse')))
      request.authorize('key', 'list', params.key);
    if (query.has('keys')) return listNames(context, request);
    if (query.has('recurse')) return listEntries(context, request);
    if (params.key === '') throw badRequest('Missing key name');
    return readOne(context, request);
  },
});

type Request = ApiRequest<'key'>;

async function readOne(context: ApiContext, request: Request): Promise<Reply> {
  const { key } = request.params;
  const { catalog } = context;
  const options = readOptions(context, request);
  request.authorize('key', 'read', key);
  const index = (): number => catalog.get('kv', key)?.modifyIndex ?? catalog.indexOf(topic.kv);
  const watched = { topics: [topic.key(key)], index };
  const meta = await blockingMeta(context, request, watched, options, 'plain');
  request.authorize('key', 'read', key);
  const entry = catalog.get('kv', key);
  if (entry === undefined) return empty(404, { meta });
  if (!request.query.has('raw'))
    return sharedReply(context, request, { watched, options, meta, read: () => [kvWire(entry)] });
  return bytes(entry.value, 'text/plain', {
    meta,
    // The value is whatever somebody put there: it must not run as a page of this origin.
    headers: { 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': 'sandbox' },
  });
}

async function listEntries(context: ApiContext, request: Request): Promise<Reply> {
  const { entries, meta } = await below(context, request);
  return entries.length === 0
    ? empty(404, { meta })
    : json(
        entries.map((entry) => kvWire(entry)),
        { meta },
      );
}

async function listNames(context: ApiContext, request: Request): Promise<Reply> {
  const { query, params } = request;
  const separator = query.get('separator') || query.get('seperator');
  const { entries, meta } = await below(context, request);
  const names = foldNames(
    entries.map(({ key }) => key),
    params.key,
    separator,
  );
  // The root is always there.
  return names.length === 0 && params.key !== '' ? empty(404, { meta }) : json(names, { meta });
}

/** Names cut after the first `separator` behind `prefix`, each once. `names` are in order. */
function foldNames(names: readonly string[], prefix: string, separator: string): string[] {
  if (separator === '') return [...names];
  const folded: string[] = [];
  for (const name of names) {
    const at = name.indexOf(separator, prefix.length);
    const short = at < 0 ? name : name.slice(0, at + separator.length);
    if (folded[folded.length - 1] !== short) folded.push(short);
  }
  return folded;
}

async function below(context: ApiContext, request: Request) {
  const prefix = request.params.key;
  const { catalog } = context;
  const index = () => prefixIndex(catalog, prefix);
  const watched = { topics: [], kvPrefix: prefix, index };
  const meta = await blockingMeta(context, request, watched, readOptions(context, request), 'plain');
  const { authorizer } = request;
  const all = catalog.prefix('kv', prefix);
  const entries = authorizer.isUnrestricted
    ? all
    : all.filter(({ key }) => authorizer.allows('key', 'read', key));
  return { entries, meta };
}

/** What was found out since the last commit: many may wait for the same prefix, and all of them look again when it changes. */
const found = new WeakMap<Catalog, { index: number; readonly highest: Map<string, number> }>();
const MOST_FOUND = 1_000;

/** Highest index of the keys below `prefix`, deleted ones too; that of all keys when nothing is known there. */
function prefixIndex(catalog: Catalog, prefix: string): number {
  let known = found.get(catalog);
  if (known === undefined) {
    known = { index: catalog.index, highest: new Map() };
    found.set(catalog, known);
  }
  if (known.index !== catalog.index || known.highest.size >= MOST_FOUND) {
    known.index = catalog.index;
    known.highest.clear();
  }
  let highest = known.highest.get(prefix);
  if (highest === undefined) {
    highest = highestBelow(catalog, prefix);
    known.highest.set(prefix, highest);
  }
  return highest;
}

function highestBelow(catalog: Catalog, prefix: string): number {
  let highest = 0;
  const take = ({ modifyIndex }: Pick<KvEntry, 'modifyIndex'>) => {
    if (modifyIndex > highest) highest = modifyIndex;
  };
  catalog.prefix('kv', prefix).forEach(take);
  catalog.prefix('tombstones', prefix).forEach(take);
  return highest === 0 ? catalog.indexOf(topic.kv) : highest;
}
