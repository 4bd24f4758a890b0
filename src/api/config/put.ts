import { putConfig } from '../../catalog/commands/config.ts';
import { permissionDenied } from '../access.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { casOf, readEntry } from './entry.ts';
import { mayWriteConfig } from './vet.ts';

export const putConfigEntry = endpoint({
  method: 'PUT',
  path: '/v1/config',
  needs: 'checked',
  summary: 'Writes a config entry; answers whether that was done. Nothing here acts on it: there is no mesh',
  query: {
    cas: 'only if the ModifyIndex is this one; 0: only if there is no such entry',
    dc: 'datacenter to ask',
  },
  body: 'A JSON object with Kind, Name and the fields of that kind',
  async handler(context, request) {
    const { query } = request;
    checkDatacenter(context, query.get('dc'));
    const entry = readEntry((await request.body()).toString());
    if (!mayWriteConfig(request.authorizer, entry)) throw permissionDenied();
    const cas = casOf(query);
    const { answer } = await context.store.write((tx) => putConfig(tx, entry, cas));
    return json(answer);
  },
});
