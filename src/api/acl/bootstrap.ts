import { randomUUID } from 'node:crypto';
import { bootstrap } from '../../acl/commands/bootstrap.ts';
import { isMusterError } from '../../errors.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { json } from '../reply.ts';
import { tokenWire } from '../wire/acl.ts';
import { aclOf } from './context.ts';

export const aclBootstrap = endpoint({
  method: 'PUT',
  path: '/v1/acl/bootstrap',
  needs: 'nothing',
  summary: 'Makes the first token that may do everything; once only',
  async handler(context) {
    const acl = aclOf(context);
    const ids = { accessorId: randomUUID(), secretId: randomUUID() };
    const resetIndex = acl.takeBootstrapReset();
    try {
      const { answer } = await context.store.write((tx) => bootstrap(tx, ids, resetIndex));
      return json({ ID: answer.secretId, ...tokenWire(context.catalog, answer) });
    } catch (error) {
      if (isMusterError(error, 'request.rejected'))
        throw new HttpError(403, `Permission denied: ${error.message}`);
      throw error;
    }
  },
});
