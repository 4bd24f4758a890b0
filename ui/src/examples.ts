import type { About } from '../../src/api/muster/wire.ts';

/** Commands that fill an empty screen, with this agent's own addresses. Each can be pasted as it stands. */

export function registerExample({ api }: About): string {
  const service = {
    Name: 'web',
    ID: 'web-1',
    Port: 8080,
    Tags: ['urlprefix-/'],
    Check: { HTTP: 'http://127.0.0.1:8080/', Interval: '5s' },
  };
  return `python3 -m http.server 8080 --bind 127.0.0.1 &
curl -X PUT http://${api}/v1/agent/service/register -d '${JSON.stringify(service)}'`;
}

export function routeExample({ api }: About, service: string): string {
  const body = { Name: service, ID: `${service}-1`, Port: 8080, Tags: [`urlprefix-/${service}`] };
  return `curl -X PUT http://${api}/v1/agent/service/register -d '${JSON.stringify(body)}'`;
}

export function requestExample({ balancer }: About, path: string, host = ''): string {
  const header = host === '' ? '' : `-H 'Host: ${host}' `;
  return `curl ${header}http://${balancer[0] ?? '127.0.0.1:9999'}${path}`;
}

export function lookupExample({ dns, domain }: About, service: string): string {
  const colon = dns.lastIndexOf(':');
  const [host, port] = [dns.slice(0, colon).replace(/^\[|\]$/g, ''), dns.slice(colon + 1)];
  return `dig @${host} -p ${port} ${service}.service.${domain} SRV`;
}
