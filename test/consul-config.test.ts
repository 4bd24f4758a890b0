import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import { ask, getJson, put } from './support/http.ts';
import { musterProcess, testFolder } from './support/muster.ts';

/** Holds a port for the test. Somebody else who holds it may be about to end; who does not holds it as well as the test would. */
async function occupy(port: number): Promise<void> {
  const server: Server = createServer();
  onTestFinished(() => {
    server.close();
  });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  };
  await until(`port ${port}`, listen, { ms: 10_000 }).catch(() => {});
}

it('an agent runs from the files of Consul, beside others, and reloads them without losing state', async () => {
  // What the balancer would take unless told otherwise.
  await occupy(9999);
  const folder = testFolder();
  const [http = 0, dns = 0] = await freePorts(2);
  const [base, web] = [join(folder, '10-base.json'), join(folder, '20-web.hcl')];
  mkdirSync(join(folder, 'logs'));
  const data = JSON.stringify(join(folder, 'data'));
  writeFileSync(
    base,
    `{"node_name": "n1", "data_dir": ${data}, "bind_addr": "127.0.0.1", "server": true, "bootstrap": true,
      "ports": {"http": ${http}, "dns": ${dns}, "grpc": 8502}, "log_level": "info",
      "log_file": ${JSON.stringify(`${folder}/logs/`)}, "log_rotate_duration": "1h", "log_rotate_bytes": 100}`,
  );
  const service = (tags: string) =>
    `service {\n  name = "web"\n  tags = [${tags}]\n  check { id = "alive" ttl = "1h" }\n}\n`;
  writeFileSync(web, service('"one"'));
  const program = musterProcess(['agent', '-config-dir', folder]);
  const api = `http://127.0.0.1:${http}`;
  await until('the API', async () => (await ask(`${api}/v1/status/leader`)).text.length > 2, { program });
  expect((await ask(`${api}/`)).text).toBe('Consul Agent');

  await put(`${api}/v1/agent/check/pass/alive?note=well`);
  await put(`${api}/v1/agent/service/register`, { Name: 'of-the-api' });
  writeFileSync(web, service('"two"'));
  process.kill(program.pid, 'SIGHUP');
  await until('the new tags', async () => {
    const [instance] = await getJson<{ ServiceTags: string[] }[]>(`${api}/v1/catalog/service/web`);
    return instance?.ServiceTags[0] === 'two';
  });
  const checks = await getJson<Record<string, object>>(`${api}/v1/agent/checks`);
  expect(checks.alive).toMatchObject({ Status: 'passing', Output: 'well' });

  writeFileSync(web, 'service {');
  expect(await ask(`${api}/v1/agent/reload`, { method: 'PUT' })).toMatchObject({
    status: 500,
    text: expect.stringContaining('20-web.hcl:1:10: '),
  });
  const services = await getJson<object>(`${api}/v1/agent/services`);
  expect(Object.keys(services).sort()).toEqual(['of-the-api', 'web']);

  await until('what it says of its start', () => {
    const isSaid = program.output().includes('going on without the balancer');
    return isSaid && /10-base\.json:2:\d+: ports\.grpc has no effect/.test(program.output());
  });
  expect(await program.stop('SIGINT')).toMatchObject({ code: 0 });
  const logs = readdirSync(join(folder, 'logs'));
  expect(logs).toContain('muster.log');
  const lines = logs.sort().map((name) => readFileSync(join(folder, 'logs', name), 'utf8'));
  expect(lines.join('')).toContain('going on without the balancer');
});
