import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { bytes } from '../reply.ts';
import { writeSnapshot } from './archive.ts';

export const snapshotSave = endpoint({
  method: 'GET',
  path: '/v1/snapshot',
  needs: 'acl:write',
  summary: 'Everything that is kept, as a gzipped archive',
  query: { dc: 'datacenter to ask', stale: 'any server may answer' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { catalog, clock, node } = context;
    const { index } = catalog;
    const archive = await writeSnapshot(catalog, node.version, clock.now());
    return bytes(archive, 'application/x-gzip', { meta: { index } });
  },
});
