import type { Endpoint } from '../endpoint.ts';
import { deregisterCheck } from './check/deregister.ts';
import { listChecks } from './check/list.ts';
import { registerCheck } from './check/register.ts';
import { failCheck, passCheck, updateCheck, warnCheck } from './check/update.ts';
import { forceLeave } from './force-leave.ts';
import { healthById } from './health/by-id.ts';
import { healthByName } from './health/by-name.ts';
import { host } from './host.ts';
import { join } from './join.ts';
import { leave } from './leave.ts';
import { maintainNode } from './maintenance.ts';
import { listMembers } from './members.ts';
import { metrics } from './metrics.ts';
import { monitor } from './monitor.ts';
import { livez, readyz, scrape } from './probes.ts';
import { reload } from './reload.ts';
import { self } from './self.ts';
import { deregisterService } from './service/deregister.ts';
import { getService } from './service/get.ts';
import { listServices } from './service/list.ts';
import { maintainService } from './service/maintenance.ts';
import { registerService } from './service/register.ts';
import { setToken } from './token.ts';

/** `/v1/agent/…`: what this agent registers, checks and tells of itself. */
export const agentEndpoints: readonly Endpoint[] = [
  self,
  listMembers,
  metrics,
  host,
  monitor,
  reload,
  join,
  leave,
  forceLeave,
  maintainNode,
  setToken,
  listServices,
  getService,
  registerService,
  deregisterService,
  maintainService,
  listChecks,
  registerCheck,
  deregisterCheck,
  passCheck,
  warnCheck,
  failCheck,
  updateCheck,
  healthById,
  healthByName,
  livez,
  readyz,
  scrape,
];
