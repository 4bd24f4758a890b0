import { configKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingMeta, blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { json, text } from '../reply.ts';
import { configWire, kindOf } from './entry.ts';

const watched = { topics: [topic.config] };

export const listConfigEntries = endpoint({
  method: 'GET',
  path: '/v1/config/:kind',
  summary: 'The config entries of a kind; of all kinds when it is left out',
  query: READ_QUERY,
  handler(context, request) {
    const { kind } = request.params;
    const { catalog } = context;
    const options = readOptions(context, request);
    if (kind !== '') kindOf(kind, 500);
    return blockingRead(context, request, {
      ...watched,
      options,
      read: () =>
        (kind === '' ? catalog.all('configEntries') : catalog.list('configEntries', 'kind', kind)).map(
          configWire,
        ),
    });
  },
});

export const getConfigEntry = endpoint({
  method: 'GET',
  path: '/v1/config/:kind/:name',
  summary: 'One config entry',
  query: READ_QUERY,
  async handler(context, request) {
    const { kind, name } = request.params;
    const options = readOptions(context, request);
    kindOf(kind, 500);
    const meta = await blockingMeta(context, request, watched, options);
    const entry = context.catalog.get('configEntries', configKey(kind, name));
    if (entry === undefined)
      return text(`Config entry not found for ${JSON.stringify(kind)} / ${JSON.stringify(name)}`, {
        status: 404,
        meta,
      });
    return json(configWire(entry), { meta });
  },
});
