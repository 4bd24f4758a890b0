import { endpoint } from '../endpoint.ts';
import { readOptions } from '../read-options.ts';
import { bytes } from '../reply.ts';
import { writeSnapshot } from './archive.ts';

export const snapshotSave = endpoint({
  method: 'GET',
  path: '/v1/snapshot',
  needs: 'acl:write',
  summary: 'Everything that is kept, as a gzipped archive',
  query: { dc: 'datacenter to ask', stale: 'any server may answer' },
  async handler(context, request) {
    const { consistency } = readOptions(context, request);
    const { catalog, clock, node, store } = context;
    // A replica may be of long ago: who keeps the archive for a backup has to be told.
    if (consistency !== 'stale') await store.remote?.refresh();
    const { index } = catalog;
    const contact = store.remote?.contact();
    const archive = await writeSnapshot(catalog, node.version, clock.now());
    const meta = { index, ...(contact === undefined ? {} : { contact }) };
    return bytes(archive, 'application/x-gzip', { meta });
  },
});
