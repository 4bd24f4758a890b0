import { kvDelete, kvDeleteIfIndex, kvDeletePrefix } from '../../catalog/commands/kv.ts';
import { permissionDenied } from '../access.ts';
import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { uint64Parameter, writtenKey } from './parameters.ts';

export const deleteKey = endpoint({
  method: 'DELETE',
  path: '/v1/kv/:key',
  needs: 'checked',
  summary: 'Deletes a key or all below a prefix; answers whether that was done',
  query: {
    recurse: 'all keys that start so',
    cas: 'only if the ModifyIndex is this one',
    dc: 'datacenter to ask',
  },
  async handler(context, request) {
    const { query, params } = request;
    const all = query.has('recurse');
    const key = all && params.key === '' ? '' : writtenKey(context, request, ['cas', 'recurse']);
    if (!all) request.authorize('key', 'write', key);
    else if (!request.authorizer.allowsBelow('key', 'write', key)) throw permissionDenied();
    const cas = uint64Parameter(query, 'cas');
    const { answer } = await context.store.write((tx) => {
      if (all) kvDeletePrefix(tx, key);
      else if (cas !== undefined) return kvDeleteIfIndex(tx, key, Number(cas));
      else kvDelete(tx, key);
      return true;
    });
    return json(answer);
  },
});
