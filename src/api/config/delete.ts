import { deleteConfig } from '../../catalog/commands/config.ts';
import { permissionDenied } from '../access.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { casOf, kindOf } from './entry.ts';
import { mayWriteConfig } from './vet.ts';

export const deleteConfigEntry = endpoint({
  method: 'DELETE',
  path: '/v1/config/:kind/:name',
  needs: 'checked',
  summary: 'Deletes a config entry; with cas it answers whether that was done',
  query: { cas: 'only if the ModifyIndex is this one', dc: 'datacenter to ask' },
  async handler(context, request) {
    const { params, query } = request;
    checkDatacenter(context, query.get('dc'));
    kindOf(params.kind, 400);
    if (!mayWriteConfig(request.authorizer, params)) throw permissionDenied();
    const cas = casOf(query);
    const { answer } = await context.store.write((tx) => deleteConfig(tx, params.kind, params.name, cas));
    return json(cas === undefined ? {} : answer);
  },
});

export const deleteUnnamedConfigEntry = endpoint({
  method: 'DELETE',
  path: '/v1/config/:kind',
  needs: 'checked',
  summary: 'Refused: kinds are not deleted as a whole',
  handler() {
    throw new HttpError(404, 'Must provide both a kind and name to delete');
  },
});
