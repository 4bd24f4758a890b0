import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { createLogger, silentLogger } from '../lib/log.ts';
import { openEnvironment } from '../store/environment.ts';
import { GroupController } from './controller.ts';
import { groupDiskIn, type KeptInstance } from './disk.ts';
import { Group, startGroup } from './group.ts';
import { HeldSockets } from './held-sockets.ts';
import type { InstanceView, Keep } from './instance.ts';
import { OutputFolder } from './output-files.ts';
import { releasePort, reservePort } from './ports.ts';
import type { GroupSpec } from './spec.ts';
import { SPEC, World } from './world.test-support.ts';

/** Answers whoever speaks with its pid. On SIGTERM it closes its listener, and stays. Its memory takes a while to be freed. */
const PROGRAM = `
const memory = Buffer.alloc(100_000_000, 1);
const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = process.env;
if (LISTEN_PID !== String(process.pid)) throw new Error(LISTEN_PID + ' is not my pid');
const servers = Array.from({ length: Number(LISTEN_FDS) }, (_, at) =>
  require('node:net')
    .createServer((client) => client.once('data', () => client.end(process.pid + ' ' + LISTEN_FDNAMES.split(':')[at])))
    .listen({ fd: 3 + at }));
process.on('SIGTERM', () => {
  for (const server of servers) server.close();
  console.log('closed');
  setInterval(() => memory, 1000);
});
console.log('ready');
`;

const spec: GroupSpec = {
  name: 'g',
  driver: 'process',
  replicas: 1,
  command: [process.execPath, '-e', PROGRAM],
  cwd: tmpdir(),
  env: {},
  ports: ['http'],
  portRange: { first: 25_500, last: 25_999 },
  listen: { http: '127.0.0.1:$PORT' },
  stopTimeout: 60_000,
  restart: { base: 10, max: 20, resetAfter: 60_000 },
};

const groups: Group[] = [];
afterEach(async () => {
  for (const group of groups.splice(0)) {
    group.kill();
    await group.stop();
  }
});

async function freePort(): Promise<number> {
  const port = await reservePort({ first: 25_000, last: 25_499 }, Math.random());
  onTestFinished(() => releasePort(port));
  return port;
}

/** What a group wrote, and what it says of itself. */
function hearing() {
  const lines: string[] = [];
  const deps = {
    logger: createLogger({ level: 'trace', sink: ({ message }) => lines.push(message) }),
    output: (_: string, __: string, line: string) => void lines.push(line),
  };
  return { lines, deps };
}

async function start(over: Partial<GroupSpec> = {}) {
  const { lines, deps } = hearing();
  const group = await startGroup({ ...spec, ...over }, deps);
  groups.push(group);
  return { group, lines };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((next) => setTimeout(next, 5));
}

const view = (group: Group) => group.instances()[0] as InstanceView;
const portOf = (group: Group) => view(group).port as number;
const pidOf = ({ state }: InstanceView) => (state.mode === 'running' ? state.pid : undefined);

/** What is answered on a new connection; "refused", or another error's code. */
function asked(port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const client = connect(port, '127.0.0.1', () => client.write('?'));
    client.on('data', (bytes) => {
      answer += bytes.toString();
    });
    client.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      answer = code === 'ECONNREFUSED' ? 'refused' : code;
    });
    client.on('close', () => resolve(answer === '' ? 'closed' : answer));
  });
}

/** Kills the process while it has taken none of those that come, and while ever more come; answers with all their answers. */
async function killed(group: Group): Promise<string[]> {
  const port = portOf(group);
  const before = await asked(port);
  const pid = Number.parseInt(before, 10);
  // From here on it accepts nothing: what it has accepted nobody can save.
  process.kill(pid, 'SIGSTOP');
  const answers = Array.from({ length: 20 }, () => asked(port));
  process.kill(pid, 'SIGKILL');
  let isOver = false;
  void answers[0]?.then(() => {
    isOver = true;
  });
  while (!isOver) {
    answers.push(asked(port));
    await new Promise((next) => setTimeout(next, 1));
  }
  return Promise.all(answers);
}

describe.skipIf(process.platform !== 'linux')('sockets that are held for an instance', () => {
  it('lose nobody when its process is killed, again and again', async () => {
    const { group } = await start();
    for (let round = 0; round < 8; round++) {
      const before = await asked(portOf(group));
      const answers = await killed(group);
      expect(answers.filter((answer) => !/^\d+ http$/.test(answer) || answer === before)).toEqual([]);
    }
    expect(view(group).restarts).toBe(8);
  });

  it('are given by name, and through limits', async () => {
    const { group } = await start({
      ports: ['http', 'admin'],
      listen: { web: '127.0.0.1:$PORT', admin: `127.0.0.1:\${PORT_ADMIN}` },
      limits: { openFiles: 500 },
    });
    const { http, admin } = view(group).ports as { http: number; admin: number };
    const pid = pidOf(view(group));
    expect(await Promise.all([asked(http), asked(admin)])).toEqual([`${pid} web`, `${pid} admin`]);
  });

  it('refuse while the next start is far, and take connections again then', async () => {
    const { group, lines } = await start({ restart: { base: 3_000, max: 3_000, resetAfter: 60_000 } });
    const port = portOf(group);
    process.kill(Number.parseInt(await asked(port), 10), 'SIGKILL');
    await until(() => view(group).state.mode === 'waiting');
    expect(await asked(port)).toBe('refused');
    await until(() => view(group).state.mode === 'running');
    expect(portOf(group)).toBe(port);
    expect(await asked(port)).toMatch(/ http$/);
    expect(lines.filter((line) => line.includes('listen'))).toEqual([]);
  });

  it('have no pause before the next start after a good run', async () => {
    const { group, lines } = await start({ restart: { base: 60_000, max: 60_000, resetAfter: 0 } });
    await killed(group);
    expect(lines.join('\n')).toMatch(/g-1 was ended by SIGKILL after .*; start 2 at once/);
  });

  it('are the process’s alone as soon as it is to end', async () => {
    const { group, lines } = await start();
    const port = portOf(group);
    await asked(port);
    const stopped = group.stop();
    await until(() => lines.includes('closed'));
    expect(await asked(port)).toBe('refused');
    group.kill();
    await stopped;
  });

  it('are not closed on those who wait in them when the instance is to go', async () => {
    const { deps } = hearing();
    const world = new World();
    const managed = { ...SPEC, ...spec, service: 'g', stopTimeout: 2_000, drainTimeout: 60_000 };
    const group = await GroupController.start(managed, { ...deps, clock: systemClock }, world);
    onTestFinished(() => group.stop());
    const [instance] = group.view().instances;
    const before = await asked(instance?.port as number);
    process.kill(Number.parseInt(before, 10), 'SIGSTOP');
    const answers = Array.from({ length: 20 }, () => asked(instance?.port as number));
    group.scale(0);
    await until(() => world.calls.includes('withdraw g-1'));
    process.kill(Number.parseInt(before, 10), 'SIGKILL');
    const ends = await Promise.all(answers);
    expect(ends.filter((answer) => !/^\d+ http$/.test(answer) || answer === before)).toEqual([]);
    await until(() => group.view().instances.length === 0);
    expect(await asked(instance?.port as number)).toBe('refused');
  });

  it('cannot be had where somebody else listens: said, and tried again', async () => {
    const port = await freePort();
    const other = new HeldSockets();
    expect(await other.open({ it: `127.0.0.1:${port}` })).toBeUndefined();
    const { group, lines } = await start({ listen: { http: `127.0.0.1:${port}` } });
    await until(() => lines.some((line) => line.includes(`${port} for its listen.http: the port is in use`)));
    other.close();
    await until(() => view(group).state.mode === 'running');
    expect(await asked(port)).toMatch(/ http$/);
  });

  it('can be of IPv6, and of all addresses', async () => {
    const held = new HeldSockets();
    onTestFinished(() => held.close());
    const [one, other] = [await freePort(), await freePort()];
    expect(await held.open({ a: `[::1]:${one}`, b: `:${other}` })).toBeUndefined();
    expect((await held.toHand()).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await new HeldSockets().open({ a: `127.0.0.1:${other}` })).toContain('in use');
    expect(held.isOpen).toBe(true);
  });

  it.each([true, false])(
    'are held over a restart of Muster (had back from the process: %s)',
    async (isRegained) => {
      const [root, folder] = [
        mkdtempSync(path.join(tmpdir(), 'held-')),
        mkdtempSync(path.join(tmpdir(), 'held-')),
      ];
      const environment = openEnvironment(root);
      onTestFinished(async () => {
        await environment.close();
        for (const made of [root, folder]) rmSync(made, { recursive: true, force: true });
      });
      const keep: Keep = { disk: groupDiskIn(environment, silentLogger), output: new OutputFolder(folder) };
      const { lines, deps } = hearing();
      const first = new Group('g', { ...deps, keep });
      await first.add({ number: 1, template: spec });
      const before = await asked(portOf(first));
      await until(() => keep.disk.load().instances[0]?.handle !== undefined);
      first.release();

      const [row] = keep.disk.load().instances as [KeptInstance];
      expect(Object.keys(row.sockets ?? {})).toEqual(['http']);
      const second = new Group('g', { ...deps, keep });
      groups.push(second);
      await second.adopt(isRegained ? row : { ...row, sockets: undefined });
      expect(await asked(portOf(second))).toBe(before);
      if (isRegained) {
        const answers = await killed(second);
        expect(answers.filter((answer) => !/^\d+ http$/.test(answer) || answer === before)).toEqual([]);
      } else {
        expect(lines.join('\n')).toContain('cannot have its sockets back (http)');
        process.kill(Number.parseInt(before, 10), 'SIGKILL');
        await until(() => view(second).restarts === 1);
      }
      // From its next start on in any case.
      expect((await killed(second)).filter((answer) => !/^\d+ http$/.test(answer))).toEqual([]);
    },
  );
});
