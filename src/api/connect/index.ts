import { type Endpoint, endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';

/** What Consul answers from where the mesh is not turned on: clients tell it from an address that nobody knows. */
const CONNECT: readonly [method: Endpoint['method'], path: Endpoint['path']][] = [
  ['GET', '/v1/connect/ca/roots'],
  ['GET', '/v1/connect/ca/configuration'],
  ['PUT', '/v1/connect/ca/configuration'],
  ['GET', '/v1/connect/intentions'],
  ['POST', '/v1/connect/intentions'],
  ['GET', '/v1/connect/intentions/match'],
  ['GET', '/v1/connect/intentions/check'],
  ['GET', '/v1/connect/intentions/exact'],
  ['PUT', '/v1/connect/intentions/exact'],
  ['DELETE', '/v1/connect/intentions/exact'],
  ['GET', '/v1/agent/connect/ca/roots'],
  ['GET', '/v1/agent/connect/ca/leaf/:service'],
  ['GET', '/v1/discovery-chain/:service'],
  ['POST', '/v1/discovery-chain/:service'],
];

export const connectEndpoints: readonly Endpoint[] = CONNECT.map(([method, path]) =>
  endpoint({
    method,
    path,
    needs: 'checked',
    summary: 'Says that there is no mesh, as Consul without one does',
    handler() {
      throw new HttpError(500, 'Connect must be enabled in order to use this endpoint');
    },
  }),
);
