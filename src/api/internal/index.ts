import type { Endpoint } from '../endpoint.ts';
import { internalAuthorize } from './authorize.ts';
import { uiNode } from './ui-node.ts';
import { uiNodes } from './ui-nodes.ts';
import { uiServices } from './ui-services.ts';

/** What user interfaces written for Consul read. */
export const internalEndpoints: readonly Endpoint[] = [uiServices, uiNodes, uiNode, internalAuthorize];
