import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { aclOf } from './context.ts';

/** Go's zero time: never. */
const NEVER = '0001-01-01T00:00:00Z';

export const aclReplication = endpoint({
  method: 'GET',
  path: '/v1/acl/replication',
  needs: 'nothing',
  summary: 'How ACLs are copied from the primary datacenter: this is the primary one',
  query: { dc: 'datacenter to ask' },
  handler(context) {
    aclOf(context);
    return json({
      Enabled: false,
      Running: false,
      SourceDatacenter: '',
      ReplicationType: '',
      ReplicatedIndex: 0,
      ReplicatedRoleIndex: 0,
      ReplicatedTokenIndex: 0,
      LastSuccess: NEVER,
      LastError: NEVER,
    });
  },
});
