import type { Endpoint } from '../endpoint.ts';
import { statusLeader } from './leader.ts';
import { statusPeers } from './peers.ts';

export const statusEndpoints: readonly Endpoint[] = [statusLeader, statusPeers];
