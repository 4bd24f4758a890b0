import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { createLogger, silentLogger } from '../lib/log.ts';
import { openEnvironment } from '../store/environment.ts';
import { GroupController } from './controller.ts';
import { type GroupDisk, groupDiskIn } from './disk.ts';
import type { Handle, Launch, Running } from './drivers.ts';
import { OutputFolder } from './output-files.ts';
import { identityOf, isAlive } from './proc.ts';
import { processDriver } from './process.ts';
import type { ManagedSpec, Template } from './spec.ts';
import { variablesOf } from './variables.ts';
import { SPEC, World } from './world.test-support.ts';

function directory(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'adopt-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const template: Template = {
  driver: 'process',
  command: ['/bin/sh', '-c', 'echo up; while :; do sleep 0.02; done'],
  cwd: tmpdir(),
  env: {},
  ports: ['http'],
  portRange: { first: 27_500, last: 27_999 },
  stopTimeout: 2000,
  restart: { base: 10, max: 20, resetAfter: 60_000 },
};

/** What a run of Muster does with one instance. */
class Run {
  readonly id: string = randomUUID();
  readonly output: OutputFolder;
  text = '';
  handle: Handle | undefined;

  constructor(folder: string) {
    this.output = new OutputFolder(folder);
  }

  launch(script: string): Launch {
    const view = { name: 'a-1', id: this.id, ports: { http: 1 }, port: 1 };
    return {
      ...view,
      owner: 'me',
      sockets: [],
      template,
      command: ['/bin/sh', '-c', script],
      env: { PATH: process.env.PATH ?? '', ...variablesOf('a', view) },
      output: (stream, chunk) => {
        if (stream === 'stdout') this.text += chunk.toString();
      },
      keep: this.output,
      found: (handle) => {
        this.handle = handle;
      },
      changed: () => {},
    };
  }

  start(script: string): Running {
    const running = processDriver.launch(this.launch(script));
    onTestFinished(() => running.kill());
    return running;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((next) => setTimeout(next, 5));
  }
}

describe.skipIf(process.platform !== 'linux')('a process that outlives a run of Muster', () => {
  it('is taken over with what it wrote meanwhile, and stopped', async () => {
    const run = new Run(directory());
    const script =
      'trap "echo bye; exit 0" TERM; echo one; while :; do sleep 0.02; [ -e $0 ] && echo two && rm $0; done';
    const signal = path.join(directory(), 'signal');
    const first = processDriver.launch({
      ...run.launch(script),
      command: ['/bin/sh', '-c', script, signal],
    });
    await run.until(() => run.text === 'one\n');
    first.release();
    writeFileSync(signal, '');
    await run.until(() => !existsSync(signal));
    expect(run.text).toBe('one\n');
    const second = await processDriver.adopt(run.handle, run.launch(script));
    expect(second?.pid).toBe(first.pid);
    await run.until(() => run.text === 'one\ntwo\n');
    await second!.stop(5000);
    expect(run.text).toBe('one\ntwo\nbye\n');
  });

  it('is found by its environment when it was started in the last moment', async () => {
    const run = new Run(directory());
    const first = run.start('sleep 60');
    first.release();
    const second = await processDriver.adopt(undefined, run.launch('true'));
    expect(second?.pid).toBe(first.pid);
    second!.kill();
    expect(await second!.ended).toEqual({ code: null, signal: null });
  });

  it('is not there when it has ended; what it left in its group is ended, too', async () => {
    const run = new Run(directory());
    const first = run.start('sleep 60 & echo $!; exec sleep 60');
    await run.until(() => run.text.endsWith('\n'));
    const child = identityOf(Number(run.text))!;
    first.release();
    process.kill(first.pid!, 'SIGKILL');
    await run.until(() => identityOf(first.pid!) === undefined);
    expect(isAlive(child)).toBe(true);
    expect(await processDriver.adopt(run.handle, run.launch('true'))).toBeUndefined();
    await run.until(() => !isAlive(child));
  });

  it('is left alone when its number is another program by now', async () => {
    const run = new Run(directory());
    const stranger: ChildProcess = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    onTestFinished(() => {
      stranger.kill('SIGKILL');
    });
    const identity = identityOf(stranger.pid!)!;
    for (const other of [
      { ...identity, began: identity.began - 1 },
      { ...identity, boot: 'another' },
    ]) {
      const handle: Handle = { kind: 'process', process: other };
      expect(await processDriver.adopt(handle, run.launch('true'))).toBeUndefined();
      expect(isAlive(identity)).toBe(true);
    }
  });

  it('ends what left the process group, where cgroups can be had', async (context) => {
    const run = new Run(directory());
    const first = run.start('setsid sleep 61 & echo $!; exec sleep 60');
    if (run.handle?.kind !== 'process' || run.handle.cgroup === undefined)
      context.skip('no cgroup can be made here');
    await run.until(() => run.text.endsWith('\n'));
    first.release();
    const second = await processDriver.adopt(run.handle, run.launch('true'));
    await second!.stop(1000);
    await run.until(() => identityOf(Number(run.text)) === undefined);
    expect(existsSync((run.handle as { cgroup: string }).cgroup)).toBe(false);
  });
});

const spec: ManagedSpec = { ...SPEC, ...template, drainTimeout: 1000 };

describe.skipIf(process.platform !== 'linux')('a group that outlives a run of Muster', () => {
  async function runs() {
    const root = openEnvironment(directory());
    const disk: GroupDisk = groupDiskIn(root, silentLogger);
    const output = new OutputFolder(directory());
    const lines: string[] = [];
    const world = new World();
    const started: GroupController[] = [];
    onTestFinished(async () => {
      await started.at(-1)?.stop();
      await root.close();
    });
    const begin = async (over: Partial<ManagedSpec> = {}): Promise<GroupController> => {
      const { groups, instances } = disk.load();
      const logger = createLogger({ level: 'trace', sink: ({ message }) => lines.push(message) });
      const controller = await GroupController.start(
        { ...spec, ...over },
        { logger, clock: systemClock, keep: { disk, output } },
        world,
        { group: groups[0], instances },
      );
      started.push(controller);
      return controller;
    };
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise((next) => setTimeout(next, 5));
    };
    return { begin, until, lines, world, disk };
  }
  const settled = (controller: GroupController) => () => {
    const { size, ready, instances, rollout } = controller.view();
    return instances.length === size && ready === size && rollout.mode === 'idle';
  };
  const pids = (controller: GroupController) =>
    controller.view().instances.map(({ state }) => (state.mode === 'running' ? state.pid : undefined));

  it('has the same instances and size as before, and no registration is touched', async () => {
    const { begin, until, world } = await runs();
    const first = await begin();
    first.scale(3);
    await until(settled(first));
    const before = first.view();
    const called = world.calls.length;
    await first.release();
    const second = await begin();
    await until(settled(second));
    const ids = ({ instances }: typeof before) =>
      instances.map(({ id, ports, restarts }) => ({ id, ports, restarts }));
    expect(ids(second.view())).toEqual(ids(before));
    expect(pids(second)).toEqual(pids(first));
    // What is registered so already is not registered again.
    expect(world.calls.slice(called)).toEqual(['register g-1', 'register g-2', 'register g-3']);
  });

  it('starts again what ended meanwhile, under its name and at its port', async () => {
    const { begin, until, lines } = await runs();
    const first = await begin();
    await until(settled(first));
    await first.release();
    const [victim, other] = pids(first);
    process.kill(victim!, 'SIGKILL');
    while (identityOf(victim!) !== undefined) await new Promise((next) => setTimeout(next, 5));
    const second = await begin();
    await until(settled(second));
    expect(pids(second)[1]).toBe(other);
    expect(pids(second)[0]).not.toBe(victim);
    expect(second.view().instances[0]).toMatchObject({
      id: first.view().instances[0]!.id,
      ports: first.view().instances[0]!.ports,
      restarts: 1,
    });
    expect(lines).toContain('g-1 ended while Muster did not run; it is started again');
  });

  it('rolls to what the configuration says by now, and keeps the size that was asked for', async () => {
    const { begin, until } = await runs();
    const first = await begin();
    first.scale(1);
    await until(settled(first));
    await first.release();
    const second = await begin({ env: { COLOR: 'green' } });
    await until(settled(second));
    expect(second.view()).toMatchObject({ size: 1, edition: 2 });
    expect(pids(second)).not.toEqual(pids(first));
    await second.release();
    const third = await begin({ env: { COLOR: 'green' }, replicas: 3 });
    await until(settled(third));
    expect(third.view()).toMatchObject({ size: 3, edition: 2 });
    expect(pids(third)).toContain(pids(second)[0]);
  });

  it('goes on ending who was about to leave', async () => {
    const { begin, until, world } = await runs();
    const first = await begin();
    await until(settled(first));
    world.traffic = (() => ({ requests: 1, errors: 0, inFlight: 1 })) as never;
    first.scale(1);
    await until(() => first.view().instances.some(({ leaving }) => leaving));
    const before = first.view().instances;
    await first.release();
    world.traffic = () => undefined;
    const second = await begin();
    await until(settled(second));
    const [stays] = before.filter(({ leaving }) => !leaving);
    const [left] = before.filter(({ leaving }) => leaving);
    expect(second.view().instances.map(({ id }) => id)).toEqual([stays!.id]);
    expect(world.calls.at(-1)).toBe(`forget ${left!.name}`);
  });
});
