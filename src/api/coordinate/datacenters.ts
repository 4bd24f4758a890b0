import { endpoint } from '../endpoint.ts';
import { ORIGIN, placeOf } from '../near.ts';
import { json } from '../reply.ts';
import { coordinateWire } from './all.ts';

export const coordinateDatacenters = endpoint({
  method: 'GET',
  path: '/v1/coordinate/datacenters',
  needs: 'nothing',
  summary: 'The network coordinates of the servers by datacenter',
  handler(context) {
    const { name, datacenter } = context.node;
    const own = coordinateWire(name, '', placeOf(context, name) ?? ORIGIN);
    return json([{ Datacenter: datacenter, AreaID: 'wan', Coordinates: [own] }]);
  },
});
