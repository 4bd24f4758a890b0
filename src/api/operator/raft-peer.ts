import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';

export const raftPeer = endpoint({
  method: 'DELETE',
  path: '/v1/operator/raft/peer',
  needs: 'operator:write',
  summary: 'Removes a server that is gone; there is only one here, and it cannot remove itself',
  query: { id: 'ID of the server', address: 'address of the server' },
  handler(_, { query }) {
    const [id, address] = [query.get('id'), query.get('address')];
    if (id === '' && address === '')
      throw badRequest(
        "Bad request: Must specify either ?id with the server's ID or ?address with IP:port of peer to remove",
      );
    if (id !== '' && address !== '')
      throw badRequest('Bad request: Must specify only one of ?id or ?address');
    const [what, value] = id !== '' ? ['id', id] : ['address', address];
    throw new HttpError(500, `${what} ${JSON.stringify(value)} was not found in the Raft configuration`);
  },
});
