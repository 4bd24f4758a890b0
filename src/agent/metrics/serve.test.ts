import { expect, it, onTestFinished } from 'vitest';
import { PROMETHEUS_TEXT } from '../../lib/metrics.ts';
import { Sockets } from '../../lib/sockets.ts';
import { serveMetrics } from './serve.ts';

it.each([
  ['GET', '/metrics?x=1', 200, PROMETHEUS_TEXT, /^test_up 1$/m],
  ['HEAD', '/metrics', 200, PROMETHEUS_TEXT, /^$/],
  ['GET', '/livez', 200, 'text/plain; charset=utf-8', /^ok\n$/],
  ['GET', '/', 404, 'text/plain; charset=utf-8', /at \/metrics/],
  ['POST', '/metrics', 405, 'text/plain; charset=utf-8', /with GET/],
])('answers %s %s with %i', async (method, path, status, type, text) => {
  const server = await serveMetrics({ host: '127.0.0.1', port: 0 }, new Sockets(), () => [
    { name: 'test_up', help: 'Up.', type: 'gauge', samples: [{ labels: {}, value: 1 }] },
  ]);
  onTestFinished(() => server.stop());
  const answer = await fetch(`http://${server.address}${path}`, { method });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, type]);
  expect(answer.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  expect(await answer.text()).toMatch(text);
});
