import type { Endpoint } from '../endpoint.ts';
import { healthChecks } from './checks.ts';
import { healthIngress } from './ingress.ts';
import { healthNode } from './node.ts';
import { healthConnect, healthService } from './service.ts';
import { healthState } from './state.ts';

export const healthEndpoints: readonly Endpoint[] = [
  healthService,
  healthConnect,
  healthIngress,
  healthChecks,
  healthNode,
  healthState,
];
