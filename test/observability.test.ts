import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inRoot, MUSTER } from '../scripts/support/paths.mjs';
import { runToEnd, until } from '../scripts/support/processes.mjs';
import { startCollector } from '../src/agent/telemetry/collector.test-support.ts';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, put } from './support/http.ts';
import { testFolder, testMuster } from './support/muster.ts';
import { otlpRequest } from './support/otlp.ts';

const FILES = inRoot('packaging', 'observability');

/** Names of our families in a text: what Prometheus puts behind them is taken off. */
function familiesIn(text: string): string[] {
  const names = text.match(/\b(?:muster|process|nodejs)_[a-z0-9_]+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')))].sort();
}

const told = familiesIn(readFileSync(inRoot('docs', 'reference', 'metrics.md'), 'utf8'));

describe('what comes with Muster for Prometheus and Grafana', () => {
  it.each(['grafana.json', 'alerts.yml'])('%s asks for figures that exist', (file) => {
    const unknown = familiesIn(readFileSync(join(FILES, file), 'utf8')).filter(
      (name) => !told.includes(name),
    );
    expect(unknown).toEqual([]);
  });

  it('the alert rules are right by promtool, and fire when they should', async () => {
    expect(await runToEnd('promtool', ['check', 'rules', 'alerts.yml'], { cwd: FILES })).toMatchObject({
      code: 0,
    });
    expect(await runToEnd('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: FILES })).toMatchObject({
      code: 0,
    });
  });

  it('the expressions of the dashboard are ones', async () => {
    const { panels } = JSON.parse(readFileSync(join(FILES, 'grafana.json'), 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const rules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.*'),
    }));
    const path = join(testFolder(), 'rules.json');
    // YAML is a superset of JSON.
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(await runToEnd('promtool', ['check', 'rules', path])).toMatchObject({ code: 0 });
    expect(expressions.length).toBeGreaterThan(20);
  });
});

describe('the figures of a running agent', () => {
  it('are what the reference says, in a form that promtool takes; those of a gone instance are gone', async () => {
    const muster = await testMuster('agent');
    const backend = await startBackend('web-1');
    await put(`${muster.api}/v1/agent/service/register`, registrationOf(backend, 'web', '/web'));
    await until('the route', async () => (await ask(`${muster.proxy}/web`)).status === 200);
    await ask(`${muster.api}/v1/kv/none`);
    const scrape = async () => (await ask(`${muster.api}/metrics`)).text;
    // A worker counts a request after its last byte went out.
    const counted =
      /^muster_instance_requests_total\{service="web",instance="web-1",node="[^"]+",class="2xx"\} [1-9]\d*$/m;
    const text = await until('the request to be counted', async () => {
      const figures = await scrape();
      return counted.test(figures) && figures;
    });
    expect(text).toMatch(/^muster_route_request_seconds_count\{route="\/web",service="web"\} \d+$/m);
    expect(text).toMatch(/^muster_api_requests_total\{family="kv",class="4xx"\} 1$/m);
    expect(familiesIn(text).filter((name) => !told.includes(name))).toEqual([]);
    const path = join(testFolder(), 'metrics.txt');
    writeFileSync(path, text);
    const { code, output } = await runToEnd('sh', ['-c', 'promtool check metrics < "$1"', 'sh', path]);
    expect(output).not.toMatch(/error/i);
    expect(code, output).toBe(0);
    await put(`${muster.api}/v1/agent/service/deregister/web-1`);
    await until('the series to be gone', async () => !(await scrape()).includes('web-1'));
  });

  it('reach a collector over OTLP, and once more at the end', async () => {
    const collector = await startCollector();
    const { received } = collector;
    const muster = await testMuster('agent', {
      node: { dev: true, name: 'n1' },
      telemetry: {
        otlp_endpoint: `${collector.url}/`,
        otlp_headers: { 'x-key': 'abc' },
        otlp_interval: '1s',
      },
    });
    await until('figures', () => received.length > 0);
    const [first] = received;
    expect(first).toMatchObject({
      path: '/v1/metrics',
      headers: { 'x-key': 'abc', 'content-encoding': 'gzip' },
    });
    const [{ resource, scopeMetrics } = { resource: { attributes: [] }, scopeMetrics: [] }] =
      otlpRequest.parse(JSON.parse(first?.body ?? '')).resourceMetrics;
    expect(resource.attributes).toContainEqual({ key: 'host.name', value: { stringValue: 'n1' } });
    const names = scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name));
    expect(names).toContain('muster_catalog_index');
    expect(names.filter((name) => !told.includes(name))).toEqual([]);
    const before = received.length;
    await muster.program.stop();
    expect(received.length).toBeGreaterThan(before);
  });
});

describe('probes and the bundle for support', () => {
  it('says that it lives and is ready', async () => {
    const muster = await testMuster('agent');
    expect(await ask(`${muster.api}/livez`)).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await ask(`${muster.api}/readyz`)).toMatchObject({
      status: 200,
      text: '[+] catalog\n[+] disk\n[+] draining\n',
    });
  });

  it('packs state, figures and log, and no secret', async () => {
    const secret = '7c1ac4b2-0000-4000-8000-00000000000a';
    const folder = testFolder();
    const muster = await testMuster('agent', {
      node: { dev: true, name: 'n1' },
      acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: secret } },
      service: [
        {
          name: 'web',
          port: 9,
          check: {
            http: 'http://u:hunter2@127.0.0.1:9/',
            interval: '1s',
            header: { Authorization: ['Basic c2VjcmV0'] },
          },
        },
      ],
    });
    await ask(`${muster.api}/v1/kv/db/password`, {
      method: 'PUT',
      body: 'hunter3',
      headers: { 'X-Consul-Token': secret },
    });
    const output = join(folder, 'bundle.tar.gz');
    const { code, output: said } = await runToEnd(
      process.execPath,
      [MUSTER, 'debug', '-duration=1s', '-output', output],
      {
        env: { CONSUL_HTTP_ADDR: muster.api, CONSUL_HTTP_TOKEN: secret },
      },
    );
    expect(code, said).toBe(0);
    const bundle = gunzipSync(readFileSync(output)).toString('latin1');
    for (const name of ['about.json', 'overview.json', 'metrics-after.prom', 'log.txt', 'history.json'])
      expect(bundle).toContain(name);
    for (const hidden of [secret, 'hunter2', 'hunter3', 'c2VjcmV0']) expect(bundle).not.toContain(hidden);
  });
});
