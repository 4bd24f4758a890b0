import { restore } from '../../catalog/commands/restore.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty } from '../reply.ts';
import { readSnapshot, SnapshotError } from './archive.ts';

/** A restore is rare and wanted: its bound is far above that of other bodies, but there is one. */
const MAX_ARCHIVE = 256 * 1024 * 1024;

export const snapshotRestore = endpoint({
  method: 'PUT',
  path: '/v1/snapshot',
  needs: 'acl:write',
  summary: 'Puts everything back to what it was when the archive was made',
  query: { dc: 'datacenter to ask' },
  body: 'The archive',
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const archive = await request.body({ limit: MAX_ARCHIVE });
    const rows = await readSnapshot(archive).catch((error: unknown) => {
      if (error instanceof SnapshotError || error instanceof SyntaxError || error instanceof TypeError)
        throw new HttpError(500, `failed to read snapshot file: ${error.message}`);
      throw error;
    });
    await context.store.write((tx) => {
      restore(tx, rows);
      // The archive may be of a time or a place without access control: nobody is to be locked out by it.
      context.acl?.begin(tx);
    });
    return empty();
  },
});
