import type { Endpoint } from '../endpoint.ts';
import { autopilotConfiguration, setAutopilotConfiguration } from './autopilot-configuration.ts';
import { autopilotHealth } from './autopilot-health.ts';
import { autopilotState } from './autopilot-state.ts';
import { keyringEndpoints } from './keyring.ts';
import { raftConfiguration } from './raft-configuration.ts';
import { raftPeer } from './raft-peer.ts';

export const operatorEndpoints: readonly Endpoint[] = [
  raftConfiguration,
  raftPeer,
  autopilotConfiguration,
  setAutopilotConfiguration,
  autopilotHealth,
  autopilotState,
  ...keyringEndpoints,
];
