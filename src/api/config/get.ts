import { configKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { permissionDenied } from '../access.ts';
import { blockingMeta, blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { json, text } from '../reply.ts';
import { configWire, kindOf } from './entry.ts';
import { mayReadConfig } from './vet.ts';

const watched = { topics: [topic.config] };

export const listConfigEntries = endpoint({
  method: 'GET',
  path: '/v1/config/:kind',
  needs: 'filtered',
  summary: 'The config entries of a kind; of all kinds when it is left out',
  query: READ_QUERY,
  handler(context, request) {
    const { kind } = request.params;
    const { catalog } = context;
    const options = readOptions(context, request);
    if (kind !== '') kindOf(kind, 500);
    return blockingRead(context, request, {
      kind: 'plain',
      ...watched,
      options,
      read: () => {
        const { authorizer } = request;
        const entries =
          kind === '' ? catalog.all('configEntries') : catalog.list('configEntries', 'kind', kind);
        return entries.filter((entry) => mayReadConfig(authorizer, entry)).map(configWire);
      },
    });
  },
});

export const getConfigEntry = endpoint({
  method: 'GET',
  path: '/v1/config/:kind/:name',
  needs: 'checked',
  summary: 'One config entry',
  query: READ_QUERY,
  async handler(context, request) {
    const { kind, name } = request.params;
    const options = readOptions(context, request);
    kindOf(kind, 500);
    const meta = await blockingMeta(context, request, watched, options, 'plain');
    if (!mayReadConfig(request.authorizer, { kind, name })) throw permissionDenied();
    const entry = context.catalog.get('configEntries', configKey(kind, name));
    if (entry === undefined)
      return text(`Config entry not found for ${JSON.stringify(kind)} / ${JSON.stringify(name)}`, {
        status: 404,
        meta,
      });
    return json(configWire(entry), { meta });
  },
});
