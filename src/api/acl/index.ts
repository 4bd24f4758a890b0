import type { Endpoint } from '../endpoint.ts';
import { authMethodEndpoints } from './auth-methods.ts';
import { aclBootstrap } from './bootstrap.ts';
import { legacyEndpoints } from './legacy.ts';
import { policyEndpoints } from './policies.ts';
import { aclReplication } from './replication.ts';
import { roleEndpoints } from './roles.ts';
import { ruleEndpoints } from './rules.ts';
import { tokenEndpoints } from './tokens.ts';

/** `/v1/acl/…`: tokens, policies and roles. While access is not controlled all of them answer 401. */
export const aclEndpoints: readonly Endpoint[] = [
  aclBootstrap,
  aclReplication,
  ...policyEndpoints,
  ...roleEndpoints,
  ...tokenEndpoints,
  ...legacyEndpoints,
  ...authMethodEndpoints,
  ...ruleEndpoints,
];
