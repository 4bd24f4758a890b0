import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { inRoot, MUSTER } from '../scripts/support/paths.mjs';
import { type Running, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { temporaryFolder } from './support/muster.ts';
import { Network, noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/cluster-stack.test.ts is skipped: ${why}\n`);

/** The walk through the write-up that the stack is made after, on a machine of its own: its ports are Consul's. */
describe.skipIf(why !== undefined)('stacks/cluster.toml', () => {
  const { folder, remove } = temporaryFolder();
  let network: Network;
  let stack: Running;

  const on = (...command: string[]) => {
    const [program, args] = network.on(1, command);
    return runToEnd(program, args);
  };
  const curl = async (...args: string[]) => (await on('curl', '-s', '-m', '10', ...args)).output;
  const get = async <T>(path: string): Promise<T> =>
    JSON.parse(await curl(`http://localhost:8500${path}`)) as T;
  const begin = () => {
    const [program, args] = network.on(1, [process.execPath, MUSTER, 'up', join(folder, 'cluster.toml')]);
    stack = start(program, args);
    // Four nodes, and an etcd for each of three, begin at the same time.
    return until('a leader', async () => (await get<string>('/v1/status/leader').catch(() => '')) !== '', {
      ms: 150_000,
      program: stack,
    });
  };

  beforeAll(async () => {
    network = new Network('cluster-stack');
    network.add(1);
    const text = readFileSync(inRoot('stacks', 'cluster.toml'), 'utf8')
      .replaceAll('stacks/.muster', folder)
      .replaceAll('".muster', `"${folder}`)
      .replaceAll('cwd = ".."', `cwd = "${inRoot()}"`);
    writeFileSync(join(folder, 'cluster.toml'), text);
    await begin();
  });
  afterAll(async () => {
    await stack?.stop();
    network?.remove();
    remove();
  });
  /** Asks until it is as it should be. */
  const soon = (what: string, look: () => Promise<void>) =>
    until(what, async () => {
      await look();
      return true;
    });
  const show = () => onTestFailed(() => void process.stdout.write(stack.output().slice(-8_000)));

  it('four nodes, a leader, three peers', async () => {
    show();
    await until('all nodes', async () => {
      const nodes = await get<{ Node: string }[]>('/v1/catalog/nodes');
      return nodes.map(({ Node }) => Node).join() === 'node1,node2,node3,node4';
    });
    // A busy machine elects anew when it was too slow: there is no leader for a moment.
    await soon('a leader, its peers and a node that is well', async () => {
      expect(await get<string>('/v1/status/leader')).toMatch(/^127\.0\.0\.1:830[123]$/);
      expect((await get<string[]>('/v1/status/peers')).sort()).toEqual([
        '127.0.0.1:8301',
        '127.0.0.1:8302',
        '127.0.0.1:8303',
      ]);
      const [check] = await get<{ CheckID: string; Status: string }[]>('/v1/health/node/node1');
      expect(check).toMatchObject({ CheckID: 'serfHealth', Status: 'passing' });
    });
    expect(await get('/v1/catalog/service/web')).toEqual([]);
  });

  it('DNS knows the nodes', async () => {
    const dig = ['dig', '@127.0.0.1', '-p', '8600', 'node1.node.consul', '+short'];
    await soon('the answer', async () => expect((await on(...dig)).output.trim()).toBe('127.0.0.1'));
  });

  it('keys written on one node are read on another', async () => {
    const write = () => curl('-X', 'PUT', '-d', 'world', 'http://localhost:8500/v1/kv/hello');
    await until('the write', async () => (await write()).trim() === 'true');
    // Not what the other already knows: what a majority has.
    await until('the other to answer', async () => {
      const status = await curl('-w', ' %{http_code}', 'http://localhost:8502/v1/kv/hello?raw&consistent');
      return status === 'world 200';
    });
  });

  it('a service turns critical when it stops, and comes back', async () => {
    show();
    const web = () => {
      const [program, args] = network.on(1, [
        process.execPath,
        '-e',
        "require('http').createServer((_, r) => r.end('hi')).listen(8080, '127.0.0.1')",
      ]);
      return start(program, args);
    };
    let running = web();
    const body = { ID: 'web1', Name: 'web', Tags: ['master', 'v1'], Address: '127.0.0.1', Port: 8080 };
    const check = { HTTP: 'http://127.0.0.1:8080/health', Interval: '1s' };
    await curl(
      '-X',
      'PUT',
      '-d',
      JSON.stringify({ ...body, Check: check }),
      'http://localhost:8500/v1/agent/service/register',
    );
    await soon('it to be in the catalog', async () =>
      expect(await get('/v1/catalog/services')).toMatchObject({ consul: [], web: ['master', 'v1'] }),
    );
    const status = async () => (await get<{ Status: string }[]>('/v1/health/checks/web'))[0]?.Status;
    await until('it to pass', async () => (await status()) === 'passing');
    await running.stop();
    await until('it to be critical', async () => (await status()) === 'critical');
    running = web();
    await until('it to pass again', async () => (await status()) === 'passing');
    await running.stop();
  });

  it('all down and up again: everything is there', async () => {
    show();
    await stack.stop();
    await begin();
    await until('the key', async () => (await curl('http://localhost:8503/v1/kv/hello?raw')) === 'world');
    await until('the service', async () => Object.hasOwn(await get<object>('/v1/catalog/services'), 'web'));
  });
});
