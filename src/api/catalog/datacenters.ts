import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';

export const catalogDatacenters = endpoint({
  method: 'GET',
  path: '/v1/catalog/datacenters',
  needs: 'nothing',
  summary: 'The datacenters that are known: this one',
  handler: (context) => json([context.node.datacenter]),
});
