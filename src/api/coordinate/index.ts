import type { Endpoint } from '../endpoint.ts';
import { coordinateDatacenters } from './datacenters.ts';
import { coordinateNode } from './node.ts';
import { coordinateNodes } from './nodes.ts';
import { coordinateUpdate } from './update.ts';

export const coordinateEndpoints: readonly Endpoint[] = [
  coordinateDatacenters,
  coordinateNodes,
  coordinateNode,
  coordinateUpdate,
];
