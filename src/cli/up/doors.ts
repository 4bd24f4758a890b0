/** Where a running agent can be reached from this machine. */
import type { AgentAddresses } from '../../agent/agent.ts';
import { fromHere } from '../../lib/host-port.ts';
import { columns } from '../columns.ts';

/** host:port of each; the first of several. `http` may be a URL: "https://…", "unix:///path"; those of the balancer are. */
export interface Doors {
  http: string | undefined;
  dns: string | undefined;
  balancer: readonly string[];
  /** Over TCP and UDP: "tcp://…". */
  services: readonly string[];
  admin: string | undefined;
}

export function doorsOf({ http, dns, balancer, services, admin }: AgentAddresses): Doors {
  const first = (list: readonly string[]): string | undefined => list.map(fromHere)[0];
  return {
    http: first(http),
    dns: first(dns),
    balancer: balancer.map((url) => url.replace(/(?<=:\/\/).*$/, fromHere)),
    services,
    admin: first(admin),
  };
}

/** One line for each; without the dashboard when it is switched off. */
export function doorsText(doors: Doors, { dashboard = true }: { dashboard?: boolean } = {}): string {
  const rows: string[][] = [];
  const { http } = doors;
  const api = http === undefined || http.includes('://') ? http : `http://${http}`;
  // Browsers open no sockets of the file system.
  if (api?.startsWith('http') && dashboard) rows.push(['  Dashboard', `${api}/ui`]);
  if (api !== undefined) rows.push(['  HTTP API', api]);
  if (doors.dns !== undefined) rows.push(['  DNS', `${doors.dns} (UDP and TCP)`]);
  for (const url of doors.balancer) rows.push(['  Balancer', url]);
  for (const address of doors.services) rows.push(['  Balancer', address]);
  if (doors.admin !== undefined) rows.push(['  Routes', `http://${doors.admin}/api/routes`]);
  return columns(rows);
}
