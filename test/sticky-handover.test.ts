import { expect, it } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import { startBackend } from './support/backend.ts';
import { ask } from './support/http.ts';
import { musterProcess } from './support/muster.ts';

it('clients stay with their instances when another process takes over: its key was another one, and all moved', async () => {
  const backends = await Promise.all(['a', 'b', 'c', 'd'].map((id) => startBackend(id)));
  const upstreams = backends.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const [port = 0] = await freePorts(1);
  const listen = `127.0.0.1:${port}`;
  const program = musterProcess(['lb', '-listen', listen, '-upstream', upstreams, '-options', 'sticky=true']);
  await until('the balancer', () => program.output().includes('balancing'), { program });

  const visit = (cookie?: string) =>
    ask(`http://${listen}/`, { headers: cookie === undefined ? {} : { cookie } });
  const clients = [];
  for (let i = 0; i < 12; i++) {
    const { text, headers } = await visit();
    const [cookie = ''] = [headers['set-cookie']].flat();
    clients.push({ cookie: String(cookie).split(';', 1)[0], text });
  }
  expect(new Set(clients.map(({ text }) => text)).size).toBeGreaterThan(1);

  process.kill(program.pid, 'SIGUSR2');
  await until('the next process to serve', () => /serves from now on/.test(program.output()), { program });
  // Whoever is given a new cookie has moved, even if it is to where its turn leads it again.
  const after = [];
  for (const { cookie } of clients) {
    const { text, headers } = await visit(cookie);
    after.push({ text, fresh: headers['set-cookie'] });
  }
  expect(after).toEqual(clients.map(({ text }) => ({ text, fresh: undefined })));
});
