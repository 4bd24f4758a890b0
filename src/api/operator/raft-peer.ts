import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';

export const raftPeer = endpoint({
  method: 'DELETE',
  path: '/v1/operator/raft/peer',
  needs: 'operator:write',
  summary: 'Removes a server that is gone from those that keep the catalog',
  query: { id: 'ID of the server', address: 'address of the server' },
  async handler({ cluster }, { query }) {
    const [id, address] = [query.get('id'), query.get('address')];
    if (id === '' && address === '')
      throw badRequest(
        "Bad request: Must specify either ?id with the server's ID or ?address with IP:port of peer to remove",
      );
    if (id !== '' && address !== '')
      throw badRequest('Bad request: Must specify only one of ?id or ?address');
    const found = (await cluster?.servers())?.find((one) =>
      id !== '' ? one.id === id : one.address === address,
    );
    if (found !== undefined && (await cluster?.removeServer(found.id))) return empty();
    const [what, value] = id !== '' ? ['id', id] : ['address', address];
    throw new HttpError(500, `${what} ${JSON.stringify(value)} was not found in the Raft configuration`);
  },
});
