import type { Endpoint } from '../endpoint.ts';
import { sessionCreate } from './create.ts';
import { sessionDestroy } from './destroy.ts';
import { sessionInfo } from './info.ts';
import { sessionList } from './list.ts';
import { sessionNode } from './node.ts';
import { sessionRenew } from './renew.ts';

export const sessionEndpoints: readonly Endpoint[] = [
  sessionCreate,
  sessionDestroy,
  sessionRenew,
  sessionInfo,
  sessionNode,
  sessionList,
];
