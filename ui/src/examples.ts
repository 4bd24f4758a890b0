import type { Picture } from '../../src/api/muster/picture.ts';
import type { About } from '../../src/api/muster/wire.ts';

/** Whether nobody has registered anything: servers themselves are the service "consul", as Consul's are. */
export function isBare({ services }: Pick<Picture, 'services'>): boolean {
  return [...services.values()].every(({ name }) => name === 'consul');
}

/** Commands that fill an empty screen, with this agent's own addresses. Each can be pasted as it stands. */

export function registerExample(about: About): string {
  // A look each second: the first one is taken before the server is up.
  const check = '"Check": {"HTTP": "http://127.0.0.1:8080/", "Interval": "1s"}';
  return `python3 -m http.server 8080 --bind 127.0.0.1 &\n${register(about, 'web', '/', check)}`;
}

export function routeExample(about: About, service: string): string {
  // Without a check of its own an instance gets no traffic.
  const check = '"Check": {"TCP": "127.0.0.1:8080", "Interval": "5s"}';
  return register(about, service, `/${encodeURIComponent(service)}/`, check);
}

/** A web server on port 8080 of this machine as an instance of `service`. */
function register(about: About, service: string, path: string, check: string): string {
  const fields = [
    `"Name": ${JSON.stringify(service)}`,
    `"ID": ${JSON.stringify(`${service}-1`)}`,
    '"Address": "127.0.0.1"',
    '"Port": 8080',
    `"Tags": [${JSON.stringify(`urlprefix-${path}`)}]`,
    check,
  ];
  const body = word(`{${fields.join(', ')}}`);
  return `curl -X PUT ${tokenOf(about)}http://${about.api}/v1/agent/service/register \\\n  -d ${body}`;
}

/** Where access is controlled the shell knows a token as the command line does. */
function tokenOf({ acl }: About): string {
  return acl ? '-H "X-Consul-Token: $CONSUL_HTTP_TOKEN" ' : '';
}

export function requestExample({ balancer }: About, path: string, host = ''): string {
  const header = host === '' ? '' : `-H ${word(`Host: ${host}`)} `;
  return `curl ${header}${word(`http://${balancer[0] ?? '127.0.0.1:9999'}${path}`)}`;
}

export function lookupExample(about: About, service: string): string {
  return digExample(about, `${service}.service.${about.domain}`, 'SRV');
}

export function digExample({ dns }: About, name: string, type: string): string {
  const colon = dns.lastIndexOf(':');
  const host = dns.slice(0, colon).replace(/^\[|\]$/g, '');
  return `dig @${host} -p ${dns.slice(colon + 1)} ${word(name)} ${type}`;
}

/** Any call of the API. */
export function curlExample(
  { api }: About,
  { method, path, body, hasToken }: { method: string; path: string; body: string; hasToken: boolean },
): string {
  const how = [
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(hasToken ? ['-H "X-Consul-Token: $CONSUL_HTTP_TOKEN"'] : []),
    word(`http://${api}${path}`),
    ...(body === '' ? [] : [`-d ${word(body)}`]),
  ];
  return `curl ${how.join(' ')}`;
}

/**
 * One word of a shell. Names and paths come from whoever registered the service: a command that is offered for
 * copying must not run them. Within single quotes only the single quote itself is special.
 */
function word(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function groupExample(): string {
  return `[[group]]
name = "web"
replicas = 3
command = ["python3", "-m", "http.server", "$PORT", "--bind", "127.0.0.1"]
service = "web"

[group.register]
address = "127.0.0.1"
tags = ["urlprefix-/"]
check = { http = "http://127.0.0.1:$PORT/", interval = "2s" }`;
}

export function clusterExample(): string {
  return `muster agent -server -bootstrap-expect=3 -data-dir=/var/lib/muster -bind=10.0.0.1 \\
  -encrypt=KEY -retry-join=10.0.0.1 -retry-join=10.0.0.2 -retry-join=10.0.0.3`;
}

export function keyExample(about: About): string {
  return `curl -X PUT ${tokenOf(about)}http://${about.api}/v1/kv/conf/color -d green`;
}

export function balancedServiceExample(): string {
  return `[[balancer.service]]
name = "db"
address = "127.0.0.1:5432"
strategy = "leastconn"`;
}

export function lockExample({ api }: About): string {
  return `CONSUL_HTTP_ADDR=${api} muster lock jobs/nightly sleep 60`;
}

export function eventExample(about: About): string {
  return `curl -X PUT ${tokenOf(about)}http://${about.api}/v1/event/fire/deploy -d 7f3a2c`;
}

export function watchExample(): string {
  return `[[watch]]
type = "event"
name = "deploy"
command = "./deploy.sh"`;
}

export function aclExample(): string {
  return `[acl]
enabled = true
default_policy = "deny"`;
}

export function bootstrapExample({ api }: About): string {
  return `curl -X PUT http://${api}/v1/acl/bootstrap`;
}
