/** What `muster up` says once all is there: where to look and what to try. */
import path from 'node:path';
import { parseHostPort } from '../../lib/host-port.ts';
import { type Doors, doorsText } from './doors.ts';

export interface Ready {
  service: string;
  instances: number;
  /** Path through the balancer, when there is one. */
  route: string | undefined;
}

/** How a reader types the name of this program: as it was started when it lies below the current directory. */
export function programName(script: string | undefined, directory: string): string {
  const relative = path.relative(directory, script ?? '');
  return /^bin[/\\]/.test(relative) ? relative : 'muster';
}

/** `program`: how to call this program. */
export function greeting(
  doors: Doors,
  ready: readonly Ready[],
  { domain, program }: { domain: string; program: string },
): string {
  const [balancer] = doors.balancer;
  const tries: string[] = [];
  const routed = ready.find(({ route }) => route !== undefined);
  if (routed?.route !== undefined && balancer !== undefined) {
    const url = `${balancer}${routed.route}`;
    tries.push(`curl -s ${url} | head -c 90`, `${program} load ${url} -requests 1000 -duration 10s`);
  }
  const dns = doors.dns === undefined ? undefined : parseHostPort(doors.dns);
  const named = ready[0];
  if (dns !== undefined && named !== undefined)
    tries.push(`dig @${dns.host} -p ${dns.port} ${named.service}.service.${domain} SRV`);
  const env = doors.http === '127.0.0.1:8500' ? '' : `CONSUL_HTTP_ADDR=${doors.http} `;
  if (named !== undefined && doors.http !== undefined) tries.push(`${env}${program} health ${named.service}`);
  return [
    '',
    doorsText(doors),
    ...(tries.length === 0 ? [] : ['Try', ...tries.map((line) => `  ${line}`), '']),
    '',
  ].join('\n');
}
