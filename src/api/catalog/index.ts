import type { Endpoint } from '../endpoint.ts';
import { catalogDatacenters } from './datacenters.ts';
import { catalogDeregister } from './deregister.ts';
import { catalogGatewayServices } from './gateway-services.ts';
import { catalogNode } from './node.ts';
import { catalogNodeServices } from './node-services.ts';
import { catalogNodes } from './nodes.ts';
import { catalogRegister } from './register.ts';
import { catalogConnect, catalogService } from './service.ts';
import { catalogServices } from './services.ts';

export const catalogEndpoints: readonly Endpoint[] = [
  catalogRegister,
  catalogDeregister,
  catalogDatacenters,
  catalogNodes,
  catalogServices,
  catalogService,
  catalogConnect,
  catalogNode,
  catalogNodeServices,
  catalogGatewayServices,
];
