import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { createLogger, type LogLine } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { cgroupOf, makeCgroup, removeLeftCgroups } from './cgroup.ts';
import { type Group, startGroup } from './group.ts';
import type { InstanceView } from './instance.ts';
import { isPortFree } from './ports.ts';
import type { GroupSpec } from './spec.ts';

const spec: GroupSpec = {
  name: 'g',
  driver: 'process',
  replicas: 1,
  command: ['/bin/sh', '-c', 'exec sleep 60'],
  cwd: os.tmpdir(),
  env: {},
  ports: ['http'],
  // Below the range from which the system takes ports for outgoing connections.
  portRange: { first: 26_000, last: 26_499 },
  stopTimeout: 2000,
  restart: { base: 10, max: 20, resetAfter: 60_000 },
};

async function firstOfTwoFreePorts(): Promise<number> {
  for (let port = 29_000; port < 32_000; port += 2)
    if ((await isPortFree(port)) && (await isPortFree(port + 1))) return port;
  throw new Error('no two free ports side by side');
}

const groups: Group[] = [];
afterEach(async () => {
  for (const group of groups.splice(0)) {
    group.kill();
    await group.stop();
  }
});

/** Starts a group and gathers what it says. `until` resolves once `found` holds, looked at with every line and event. */
async function start(over: Partial<GroupSpec>) {
  const lines: string[] = [];
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  const look = () => {
    for (const one of waiting) one();
  };
  const group = await startGroup(
    { ...spec, ...over },
    {
      logger: createLogger({
        level: 'trace',
        sink: (line) => {
          log.push(line);
          look();
        },
      }),
      output: (instance, stream, line) => {
        lines.push(`${instance} ${stream} ${line}`);
        look();
      },
    },
  );
  groups.push(group);
  group.subscribe(() => look());
  const until = <T>(found: () => T | undefined | false): Promise<T> =>
    new Promise((resolve) => {
      const one = () => {
        const value = found();
        if (value === undefined || value === false) return;
        waiting.delete(one);
        resolve(value);
      };
      waiting.add(one);
      one();
    });
  return { group, lines, log, until };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie waits only to be collected.
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((next) => setTimeout(next, 10));
}

const pidOf = (view: InstanceView): number | undefined =>
  view.state.mode === 'running' ? view.state.pid : undefined;

describe('a group', () => {
  it.skipIf(process.platform !== 'linux')(
    'has the limits of its group, and so has what it starts',
    async () => {
      const { lines, until } = await start({
        command: ['/bin/sh', '-c', 'ulimit -n; sh -c "ulimit -c"; exec sleep 60'],
        limits: { openFiles: 123, coreSize: 0 },
      });
      expect(await until(() => lines.length >= 2 && lines)).toEqual(['g-1 stdout 123', 'g-1 stdout 0']);
    },
  );

  it('gives each instance a port, a name and an identity of its own', async () => {
    const { group, lines, until } = await start({
      replicas: 3,
      ports: ['http', 'admin-api'],
      env: { URL: `http://127.0.0.1:$PORT/\${MUSTER_INSTANCE}`, PRICE: '$$5' },
      command: [
        '/bin/sh',
        '-c',
        'echo "$MUSTER_GROUP $MUSTER_INSTANCE $MUSTER_INSTANCE_ID $MUSTER_NUMBER $PORT $PORT_HTTP $PORT_ADMIN_API $URL $(printenv PRICE) $1"; exec sleep 60',
        'sh',
        'at-$PORT',
      ],
    });
    await until(() => lines.length === 3);
    for (const { name, id, ports } of group.instances()) {
      const { http, 'admin-api': admin } = ports;
      expect(lines).toContain(
        `${name} stdout g ${name} ${id} ${name.slice(2)} ${http} ${http} ${admin} http://127.0.0.1:${http}/${name} $5 at-${http}`,
      );
    }
    const all = group.instances().flatMap(({ ports }) => Object.values(ports));
    expect(new Set(all).size).toBe(6);
    expect(all.every((port) => port >= 26_000 && port <= 26_499)).toBe(true);
  });

  it('starts an instance again after kill -9, on the same port and with the same identity', async () => {
    const { group, log, until } = await start({ replicas: 2 });
    const [before, other] = group.instances() as [InstanceView, InstanceView];
    process.kill(pidOf(before)!, 'SIGKILL');
    const after = await until(() =>
      group.instances().find(({ restarts, state }) => restarts === 1 && state.mode === 'running'),
    );
    expect(after).toMatchObject({ name: before.name, id: before.id, ports: before.ports });
    expect(pidOf(after)).not.toBe(pidOf(before));
    expect(pidOf(group.instances()[1]!)).toBe(pidOf(other));
    expect(log[0]!.message).toMatch(/^g-1 was ended by SIGKILL after /);
  });

  it('reports a program that exits at once with its code and last lines, and tries again', async () => {
    const { group, log, until } = await start({
      command: [
        '/bin/sh',
        '-c',
        'for i in 1 2 3 4 5 6 7; do echo "line $i"; done; echo "no database" >&2; exit 3',
      ],
    });
    await until(() => log.length >= 3);
    expect(log[0]!.message).toMatch(/^g-1 exited with code 3 after .*; start 2 in \d+ms\. Its last lines:\n/);
    expect(log[0]!.message).toContain('no database');
    expect(log[0]!.message).not.toContain('line 1\n');
    expect(log[2]!.message).toContain('start 4 in');
    await group.stop();
    const said = log.length;
    expect(group.instances()[0]!.state.mode).toBe('stopped');
    expect(log.length).toBe(said);
  });

  it.each([
    [{ command: ['no-such-program-here'] }, 'cannot be started: no-such-program-here is not found in PATH'],
    [{ command: ['./none'] }, `cannot be started: ${path.join(os.tmpdir(), 'none')} does not exist`],
    [{ cwd: '/no/such/place' }, 'cannot be started: the directory /no/such/place does not exist'],
  ])('says why %j cannot be started', async (over, sentence) => {
    const { log, until } = await start(over);
    await until(() => log.length > 0);
    expect(log[0]!.message).toContain(sentence);
  });

  it('tries a program again that the system refuses to start', async () => {
    // Longer than one variable may be: Node throws then, as it does for a program that is being written.
    const { group, log, until } = await start({ env: { BIG: 'x'.repeat(200_000) } });
    await until(() => group.instances()[0]!.restarts > 1);
    expect(log[0]!.message).toContain('cannot be started: spawn E2BIG');
  });

  it('stops with SIGTERM and waits for what the program still does', async () => {
    const { group, lines, until } = await start({
      command: ['/bin/sh', '-c', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.02; done'],
    });
    await until(() => lines.length === 1);
    await Promise.all([group.stop(), group.stop()]);
    expect(lines.filter((line) => line.includes('stdout'))).toEqual(['g-1 stdout up', 'g-1 stdout bye']);
    expect(group.instances()[0]).toMatchObject({ state: { mode: 'stopped' }, restarts: 0 });
  });

  it('kills a program that ignores SIGTERM, and all its children, after the stop timeout', async () => {
    const { group, lines, until } = await start({
      stopTimeout: 100,
      command: ['/bin/sh', '-c', 'trap "" TERM; sleep 60 & echo $!; while :; do sleep 0.02; done'],
    });
    await until(() => lines.length === 1);
    const leader = pidOf(group.instances()[0]!)!;
    const child = Number(lines[0]!.split(' ')[2]);
    expect(alive(child)).toBe(true);
    await group.stop();
    await Promise.all([gone(leader), gone(child)]);
  });

  it('leaves no child behind when only the leader dies', async () => {
    const { group, lines, until } = await start({
      command: ['/bin/sh', '-c', 'sleep 60 & echo $!; wait'],
    });
    await until(() => lines.length === 1);
    process.kill(pidOf(group.instances()[0]!)!, 'SIGKILL');
    await until(() => group.instances()[0]!.restarts === 1);
    await gone(Number(lines[0]!.split(' ')[2]));
  });

  it('without enough ports nothing stays running', async () => {
    const first = await firstOfTwoFreePorts();
    const portRange = { first, last: first + 1 };
    await expect(start({ replicas: 3, portRange })).rejects.toThrow(
      `no free port between ${first} and ${first + 1}`,
    );
    const { group } = await start({ replicas: 2, portRange });
    expect(group.instances()).toHaveLength(2);
  });
});

describe('when the process that runs the group is killed with SIGKILL', () => {
  /** What `script` wrote to its `$OUT`, and the process that runs it as instance `id`. */
  async function instanceOf(script: string, id: string) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'group-'));
    const program = path.join(directory, 'run.ts');
    const out = path.join(directory, 'out');
    fs.writeFileSync(
      program,
      `import { processDriver } from ${JSON.stringify(path.join(import.meta.dirname, 'process.ts'))};
       processDriver.launch({ id: '${id}', name: 'x-1', template: { cwd: '/' }, command: ['/bin/sh', '-c', process.argv[2]], env: { ...process.env, OUT: '${out}' }, sockets: [], output() {} });
       console.log('started');
       setInterval(() => {}, 1000);`,
    );
    const bundle = path.join(directory, 'run.mjs');
    const { build } = await import('esbuild');
    await build({ entryPoints: [program], bundle: true, platform: 'node', format: 'esm', outfile: bundle });
    const muster = spawn(process.execPath, [bundle, script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => {
      muster.kill('SIGKILL');
      fs.rmSync(directory, { recursive: true });
    });
    await new Promise((resolve) => muster.stdout.once('data', resolve));
    while (!fs.existsSync(out)) await new Promise((next) => setTimeout(next, 10));
    return { muster, wrote: fs.readFileSync(out, 'utf8').trim().split(' ').map(Number) };
  }

  it('its instances end', async () => {
    const { muster, wrote } = await instanceOf('echo $$ >$OUT.new; mv $OUT.new $OUT; exec sleep 60', 'x');
    const [pid] = wrote;
    expect(alive(pid!)).toBe(true);
    muster.kill('SIGKILL');
    await gone(pid!);
  });

  it('so does what left the process group, and no cgroup is left, where cgroups can be had', async (context) => {
    const id = randomUUID();
    const { muster, wrote } = await instanceOf(
      'setsid sleep 61 & echo $$ $! >$OUT.new; mv $OUT.new $OUT; exec sleep 60',
      id,
    );
    const [leader, child] = wrote;
    const cgroup = cgroupOf(leader!, id);
    if (cgroup === undefined) return context.skip('no cgroup can be made here');
    expect(alive(child!)).toBe(true);
    muster.kill('SIGKILL');
    await Promise.all([gone(leader!), gone(child!)]);
    while (fs.existsSync(cgroup.path)) await new Promise((next) => setTimeout(next, 10));
  });
});

it('cgroups that were left empty are removed, others are not', async (context) => {
  const [left, used] = [makeCgroup(`left-${randomUUID()}`), makeCgroup(`used-${randomUUID()}`)];
  if (left === undefined || used === undefined) return context.skip('no cgroup can be made here');
  fs.mkdirSync(path.join(left.path, 'muster-inner'));
  const [shell, ...args] = used.within(['sleep', '60']);
  const program = spawn(shell!, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    used.kill();
    await once(program, 'exit');
    used.remove();
  });
  await soon(() => expect(used.isPopulated).toBe(true));
  removeLeftCgroups();
  expect([left, used].map((one) => fs.existsSync(one.path))).toEqual([false, true]);
});
