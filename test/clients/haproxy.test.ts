import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { freePorts, until } from '../../scripts/support/processes.mjs';
import { registrationOf, startBackend } from '../support/backend.ts';
import { ask, put } from '../support/http.ts';
import { testFolder, testMuster } from '../support/muster.ts';
import { testProgram } from './programs.ts';

const SLOTS = 10;

/** As docs/guides/dns.md has it, quicker. */
const configuration = (dns: number, port: number) => `
global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
resolvers muster
  nameserver here 127.0.0.1:${dns}
  accepted_payload_size 8192
  hold valid 100ms
  hold obsolete 0s
  timeout resolve 100ms
frontend in
  bind 127.0.0.1:${port}
  default_backend web
backend web
  balance roundrobin
  server-template web ${SLOTS} _web._tcp.service.consul resolvers muster init-addr none
`;

describe('HAProxy', () => {
  it('takes up every instance from SRV records, and follows when they leave and come', async () => {
    const { api, dnsPort } = await testMuster('agent', {
      node: { dev: true },
      dns: { srv_targets: 'instance' },
    });
    const register = (backend: Awaited<ReturnType<typeof startBackend>>) =>
      put(`${api}/v1/agent/service/register`, registrationOf(backend, 'web', '/web'));
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await register(await startBackend(id));

    const [port = 0] = await freePorts(1);
    const file = join(testFolder(), 'haproxy.cfg');
    writeFileSync(file, configuration(dnsPort, port));
    const program = testProgram('haproxy', ['-db', '-f', file]);
    /** Who answers as many requests as there are slots. */
    const answering = async () => {
      const ids: string[] = [];
      for (let i = 0; i < SLOTS; i++) {
        const { status, text } = await ask(`http://127.0.0.1:${port}/`);
        ids.push(status === 200 ? text : `${status}`);
      }
      return [...new Set(ids)].sort().join();
    };
    const toAnswer = (ids: string) =>
      until(`${ids} to answer`, async () => (await answering()) === ids, { program });

    await toAnswer('a,b,c,d,e,f');
    // By itself, and because it became critical.
    await put(`${api}/v1/agent/service/deregister/b`);
    await toAnswer('a,c,d,e,f');
    await put(`${api}/v1/agent/service/maintenance/d?enable=true`);
    await toAnswer('a,c,e,f');
    await register(await startBackend('g'));
    await put(`${api}/v1/agent/service/maintenance/d?enable=false`);
    await toAnswer('a,c,d,e,f,g');
  });
});
