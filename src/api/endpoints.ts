import { aclEndpoints } from './acl/index.ts';
import { agentEndpoints } from './agent/index.ts';
import { catalogEndpoints } from './catalog/index.ts';
import { configEndpoints } from './config/index.ts';
import { connectEndpoints } from './connect/index.ts';
import { coordinateEndpoints } from './coordinate/index.ts';
import type { Endpoint } from './endpoint.ts';
import { eventEndpoints } from './event/index.ts';
import { healthEndpoints } from './health/index.ts';
import { internalEndpoints } from './internal/index.ts';
import { kvEndpoints } from './kv/index.ts';
import { musterEndpoints } from './muster/endpoints.ts';
import { openApiEndpoint } from './openapi.ts';
import { operatorEndpoints } from './operator/index.ts';
import { preparedQueryEndpoints } from './prepared-query/index.ts';
import { sessionEndpoints } from './session/index.ts';
import { snapshotEndpoints } from './snapshot/index.ts';
import { statusEndpoints } from './status/index.ts';
import { txnEndpoints } from './txn/index.ts';

/** Every endpoint of the API: one list per family. */
export const endpoints: readonly Endpoint[] = [
  ...agentEndpoints,
  ...catalogEndpoints,
  ...healthEndpoints,
  ...kvEndpoints,
  ...sessionEndpoints,
  ...preparedQueryEndpoints,
  ...statusEndpoints,
  ...txnEndpoints,
  ...eventEndpoints,
  ...coordinateEndpoints,
  ...configEndpoints,
  ...connectEndpoints,
  ...operatorEndpoints,
  ...snapshotEndpoints,
  ...aclEndpoints,
  ...internalEndpoints,
  ...musterEndpoints,
  openApiEndpoint(() => endpoints),
];
