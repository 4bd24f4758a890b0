import type { Endpoint } from './endpoint.ts';
import { openApiEndpoint } from './openapi.ts';
import { statusEndpoints } from './status/index.ts';

/** Every endpoint of the API: one list per family. */
export const endpoints: readonly Endpoint[] = [...statusEndpoints, openApiEndpoint(() => endpoints)];
