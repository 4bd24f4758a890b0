import { type KvWrite, kvAcquire, kvRelease, kvSet, kvSetIfIndex } from '../../catalog/commands/kv.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { applied } from '../applied.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import type { Query } from '../query.ts';
import { json } from '../reply.ts';
import { uint64Parameter, writtenKey } from './parameters.ts';

export const putKey = endpoint({
  method: 'PUT',
  path: '/v1/kv/:key',
  needs: 'checked',
  summary: 'Writes a key; answers whether that was done',
  query: {
    flags: 'a number of 64 bits that is kept with the value',
    cas: 'only if the ModifyIndex is this one; 0: only if the key does not exist',
    acquire: 'take the lock of the key for this session',
    release: 'give the lock of the key back that this session holds',
    dc: 'datacenter to ask',
  },
  body: 'The value, as it is',
  async handler(context, request) {
    const { query } = request;
    const key = writtenKey(context, request, ['acquire', 'cas', 'release']);
    request.authorize('key', 'write', key);
    const flags = uint64Parameter(query, 'flags') ?? 0n;
    const command = commandOf(query);
    const value = await readValue(request, context.settings.kvMaxValueSize);
    const commit = context.store.write((tx) => command(tx, { key, value, flags }));
    const { answer } = await applied(commit, 'raft apply failed: ');
    return json(answer);
  },
});

function commandOf(query: Query): (tx: Transaction, write: KvWrite) => boolean {
  const cas = uint64Parameter(query, 'cas');
  if (cas !== undefined) return (tx, write) => kvSetIfIndex(tx, write, Number(cas));
  const acquire = query.get('acquire');
  if (query.has('acquire')) return (tx, write) => kvAcquire(tx, write, acquire);
  const release = query.get('release');
  if (query.has('release')) return (tx, write) => kvRelease(tx, write, release);
  return (tx, write) => {
    kvSet(tx, write);
    return true;
  };
}

function readValue(request: ApiRequest<'key'>, limit: number): Promise<Buffer> {
  const tooLarge = (size: number) =>
    `Request body(${size} bytes) too large, max size: ${limit} bytes. See https://www.consul.io/docs/agent/options.html#kv_max_value_size.`;
  return request.body({ limit, tooLarge });
}
