import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import { startBackend } from './support/backend.ts';
import { ask, getJson, put } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import {
  type ConfigFile,
  copyOfStacks,
  type Muster,
  startMuster,
  temporaryFolder,
  withTwoWorkers,
} from './support/muster.ts';

/** stacks/proxies.toml: HAProxy and nginx behind templates, and HAProxy told over its socket. */

const SERVICE = 'hello-server';
const INSTANCES = 4;
const RATE = 300;
/** Small answers of the hello program: the proxies are tested, not the machine. */
const PATH = '/health';

const home = temporaryFolder();
let muster: Muster;
let folder: string;
let [haproxy, nginx, runtime] = ['', '', ''];

/** What a program of HAProxy's says on its socket. */
function told(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const connection = connect(join(folder, '.muster', 'proxies', socket));
    connection.on('data', (data) => {
      text += data;
    });
    connection.once('error', reject);
    connection.once('close', () => resolve(text));
    connection.end(`${command}\n`);
  });
}

/** How often the master of the HAProxy behind the template was told to reload. */
const reloads = async () =>
  Number(/^\d+\s+master\s+(\d+)/m.exec(await told('master.sock', 'show proc'))?.[1] ?? Number.NaN);

const rendered = (file: string) => readFileSync(join(folder, '.muster', 'proxies', file), 'utf8');
const serversIn = (file: string) => rendered(file).match(/^\s+server\s.*:\d+/gm)?.length ?? 0;

/** Names of the instances that answer `requests` requests. */
async function answering(url: string, requests: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let sent = 0; sent < requests; sent++) {
    const { status, text } = await ask(`${url}/hello/api/v1`);
    seen.add(status === 200 ? (JSON.parse(text) as { UUID: string }).UUID : `${status}`);
  }
  return seen;
}

/** One more instance that comes, or leaves. */
const extra = {
  join: (port: number) =>
    put(`${muster.api}/v1/agent/service/register`, {
      ID: 'extra',
      Name: SERVICE,
      Address: '127.0.0.1',
      Port: port,
    }),
  leave: () => put(`${muster.api}/v1/agent/service/deregister/extra`),
};

beforeAll(async () => {
  folder = copyOfStacks(home.folder);
  const ports = await freePorts(3);
  [haproxy, nginx, runtime] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string, string];
  const config = parse(readFileSync(join(folder, 'proxies.toml'), 'utf8')) as { group: ConfigFile[] };
  const env: Record<string, ConfigFile> = {
    haproxy: { HAPROXY_PORT: `${ports[0]}` },
    nginx: { NGINX_PORT: `${ports[1]}` },
    runtime: { HAPROXY_PORT: `${ports[2]}` },
  };
  const group = config.group.map((one) => ({ ...one, env: env[one.name as string] ?? {} }));
  muster = await startMuster('up', withTwoWorkers({ ...config, group }), folder);
  for (const url of [haproxy, nginx, runtime])
    await until(
      `four instances to answer at ${url}`,
      async () => {
        const seen = await answering(url, 2 * INSTANCES);
        return seen.size === INSTANCES && [...seen].every((one) => one.length > 3);
      },
      { ms: 60_000, every: 100, program: muster.program },
    );
});

afterAll(async () => {
  await muster?.program.stop('SIGTERM', 30_000);
  home.remove();
});

const show = () => onTestFailed(() => void process.stdout.write(muster.program.output().slice(-20_000)));

describe('stacks/proxies.toml', () => {
  it('HAProxy behind a template keeps 300 requests a second through 100 reloads', async () => {
    show();
    const { port } = await startBackend('extra');
    const before = await reloads();
    const load = Load.begin(`${haproxy}${PATH}`, RATE);
    for (let reload = 1; reload <= 100; reload++) {
      await (reload % 2 === 1 ? extra.join(port) : extra.leave());
      const isDone = async () =>
        (await reloads()) >= before + reload && serversIn('haproxy.cfg') === INSTANCES + (reload % 2);
      await until(`reload ${reload}`, isDone, { program: muster.program });
    }
    await until('enough of it', () => load.samples.length > 1_000);
    expect(failures(await load.end())).toEqual([]);
  });

  it('nginx behind a template loses nothing either', async () => {
    show();
    const { port } = await startBackend('extra');
    // nginx closes idle connections when it reloads, just when a client may send on them: clients without any.
    const load = Load.begin(`${nginx}${PATH}`, RATE, { keepAlive: false });
    for (let change = 1; change <= 10; change++) {
      await (change % 2 === 1 ? extra.join(port) : extra.leave());
      await until(`change ${change}`, () => serversIn('nginx.conf') === INSTANCES + (change % 2), {
        program: muster.program,
      });
      const sent = load.samples.length;
      await until('some requests', () => load.samples.length > sent + 50);
    }
    expect(failures(await load.end())).toEqual([]);
  });

  it('HAProxy told over its socket follows without a reload, and loses nothing', async () => {
    show();
    const pid = async () => /^Pid: (\d+)/m.exec(await told('runtime.sock', 'show info'))?.[1];
    const servers = async () =>
      (await told('runtime.sock', 'show servers state hello')).match(/ m_\S+/g)?.length;
    const { port } = await startBackend('extra');
    const before = await pid();
    const load = Load.begin(`${runtime}${PATH}`, RATE);
    for (let change = 1; change <= 10; change++) {
      await (change % 2 === 1 ? extra.join(port) : extra.leave());
      const wanted = INSTANCES + (change % 2);
      // The other HAProxy follows at its own pace: what comes after this test finds it as it is now.
      const isDone = async () => (await servers()) === wanted && serversIn('haproxy.cfg') === wanted;
      await until(`change ${change}`, isDone, { program: muster.program });
    }
    expect(failures(await load.end())).toEqual([]);
    expect(await pid()).toBe(before);
  });

  it.each([
    ['haproxy', () => haproxy],
    ['nginx', () => nginx],
  ])(
    '%s is rolled and nobody is refused: the new one shares the port before the old one goes',
    async (name, at) => {
      show();
      const group = `${muster.api}/v1/muster/groups/${name}`;
      const { edition } = await getJson<GroupView>(group);
      const load = Load.begin(`${at()}${PATH}`, RATE, { keepAlive: false });
      await put(`${group}/roll`);
      const isDone = async () => {
        const now = await getJson<GroupView>(group);
        return now.edition > edition && now.rollout.mode === 'idle' && now.instances.length === 1;
      };
      await until(`${name} to be rolled`, isDone, { ms: 60_000, every: 100, program: muster.program });
      // A connection that waits in the old one's queue just when it closes that is reset, and is all that may be lost.
      expect(failures(await load.end()).filter((one) => !one.includes('ECONNRESET'))).toEqual([]);
    },
  );

  it('keeps what it had when HAProxy refuses what was rendered', async () => {
    show();
    const before = rendered('haproxy.cfg');
    // HAProxy refuses a server whose name has a space in it.
    await put(`${muster.api}/v1/agent/service/register`, {
      ID: 'not a name',
      Name: SERVICE,
      Address: '127.0.0.1',
      Port: 1,
    });
    await until('HAProxy to refuse it', () => /the check .* refused/.test(muster.program.output()), {
      program: muster.program,
    });
    expect(rendered('haproxy.cfg')).toBe(before);
    await put(`${muster.api}/v1/agent/service/deregister/not%20a%20name`);
    expect((await ask(`${haproxy}${PATH}`)).status).toBe(200);
  });
});
