import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, ManualClock, systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { GroupController } from './controller.ts';
import type { ManagedSpec } from './spec.ts';
import type { GroupView } from './view.ts';
import { SPEC, World } from './world.test-support.ts';

const controllers: GroupController[] = [];
afterEach(async () => {
  for (const controller of controllers.splice(0)) {
    controller.kill();
    await controller.stop();
  }
});

async function start(over: Partial<ManagedSpec> = {}, world = new World(), clock: Clock = systemClock) {
  const logger = createLogger({ level: 'trace', sink: (line) => world.lines.push(line) });
  const controller = await GroupController.start({ ...SPEC, ...over }, { logger, clock }, world);
  controllers.push(controller);
  /** Resolves once the group is so. */
  const until = async (found: (view: GroupView) => boolean): Promise<GroupView> => {
    while (!found(controller.view())) {
      world.tell();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return controller.view();
  };
  return { controller, world, until };
}

const names = (view: GroupView) => view.instances.map(({ name }) => name);
const settled = (view: GroupView) => view.instances.length === view.size && view.ready === view.size;

const direction = { stabilization: 0, rates: [{ instances: 100, period: 1000 }], select: 'max' } as const;

/** Up to 4, one for each request in flight. `stabilization`: ms for which a peak counts. */
const autoscaled = (min: number, stabilization: number) => ({
  replicas: 1,
  autoscale: {
    min,
    max: 4,
    mode: 'on' as const,
    interval: 10,
    policy: 'target' as const,
    signal: [{ kind: 'in_flight' as const, target: 1 }],
    schedule: [],
    target: { stabilization, initialization: 0 },
    hpa: { tolerance: 0.1, out: direction, in: direction },
  },
});

describe('a managed group', () => {
  it('grows and shrinks; who goes gets no new requests, finishes, ends and is forgotten', async () => {
    const { controller, world, until } = await start();
    await until(settled);
    expect(controller.scale(4)).toBe(4);
    const grown = await until(settled);
    expect(names(grown)).toEqual(['g-1', 'g-2', 'g-3', 'g-4']);
    const [, , , last] = grown.instances;
    world.traffics.set(last!.id, { requests: 5, errors: 0, inFlight: 1 });
    world.healths.set(grown.instances[2]!.id, 'critical');
    controller.scale(2);
    const leaving = await until((view) => view.instances.some((one) => one.name === 'g-4' && one.leaving));
    expect(leaving.instances.find(({ name }) => name === 'g-4')!.state.mode).toBe('running');
    expect(world.calls).not.toContain('forget g-4');
    await until((view) => view.instances.length === 3);
    world.traffics.set(last!.id, { requests: 5, errors: 0, inFlight: 0 });
    expect(names(await until(settled))).toEqual(['g-1', 'g-2']);
    expect(world.calls.filter((call) => call.endsWith('g-4'))).toEqual([
      'register g-4',
      'withdraw g-4',
      'forget g-4',
    ]);
  });

  it('rolls without ever having fewer ready than its size', async () => {
    const { controller, until } = await start({ replicas: 3 });
    const before = await until(settled);
    controller.roll();
    let least = 3;
    const after = await until((view) => {
      least = Math.min(least, view.ready);
      return view.rollout.mode === 'idle' && settled(view);
    });
    expect(least).toBe(3);
    expect(after.edition).toBe(2);
    expect(
      after.instances.map(({ id }) => id).some((id) => before.instances.some((one) => one.id === id)),
    ).toBe(false);
  });

  it('takes another description over by a rollout, and another size at once', async () => {
    const { controller, until } = await start();
    await until(settled);
    controller.reconfigure({ ...SPEC, replicas: 3, env: { COLOR: 'green' } });
    const after = await until((view) => view.rollout.mode === 'idle' && settled(view));
    expect([after.size, after.edition]).toEqual([3, 2]);
    controller.reconfigure({ ...SPEC, replicas: 3, env: { COLOR: 'green' }, drainTimeout: 1 });
    expect(controller.view().rollout.mode).toBe('idle');
  });

  it('goes back where it is described as before while it rolls, and rolls nothing for what it is already', async () => {
    const { controller, world, until } = await start({
      update: { ...SPEC.update, rollback: { ...SPEC.update.rollback, requests: 1 } },
    });
    const before = await until(settled);
    const other = { ...SPEC, env: { COLOR: 'green' } };
    world.byDefault = undefined;
    for (const { id } of before.instances) world.healths.set(id, 'passing');
    controller.reconfigure(other);
    await until((view) => view.instances.some(({ edition }) => edition === 2));
    controller.reconfigure(SPEC);
    const after = await until((view) => view.rollout.mode === 'idle' && settled(view));
    expect(after.instances.map(({ id }) => id)).toEqual(before.instances.map(({ id }) => id));
    expect(after.edition).toBe(1);
    // Taken back by itself, and then described as what runs.
    controller.reconfigure(other);
    expect(controller.rollBack()).toBe(true);
    await until((view) => view.rollout.mode === 'idle' && settled(view));
    controller.reconfigure(SPEC);
    expect(controller.view()).toMatchObject({ edition: 1, rollout: { mode: 'idle' } });
  });

  it('ends and starts instances that are there as it is described now', async () => {
    const command = ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    const { controller, until } = await start({ replicas: 1, command, stopTimeout: 3_600_000 });
    await until(settled);
    controller.reconfigure({ ...SPEC, replicas: 0, command, stopTimeout: 1 });
    await until((view) => view.instances.length === 0);
  });

  it('registers an instance anew when somebody else has its port', async () => {
    const { controller, world, until } = await start({
      replicas: 1,
      command: ['/bin/sh', '-c', '[ -e "$GATE" ] && exec sleep 60; exit 1'],
      env: { GATE: '/no/such/file' },
      restart: { base: 100, max: 100, resetAfter: 60_000 },
    });
    const { instances } = await until((view) => view.instances[0]?.state.mode === 'waiting');
    const port = instances[0]!.port!;
    // At another address than the program would take.
    const other = createServer().listen(port, '127.0.0.9');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const [moved] = (await until((view) => view.instances[0]?.port !== port)).instances;
    await soon(() =>
      expect(world.places).toEqual([`register ${port}`, `forget ${port}`, `register ${moved!.port}`]),
    );
    controller.kill();
  });

  it('is dissolved without cutting anybody off', async () => {
    const { controller, world, until } = await start();
    const [first] = (await until(settled)).instances;
    world.traffics.set(first!.id, { requests: 1, errors: 0, inFlight: 1 });
    const dissolved = controller.dissolve();
    await until(({ instances }) => instances.length === 1);
    expect(controller.view().instances).toMatchObject([
      { name: first!.name, leaving: true, state: { mode: 'running' } },
    ]);
    world.traffics.delete(first!.id);
    await dissolved;
    expect(world.calls.slice(-4)).toEqual(['withdraw g-1', 'withdraw g-2', 'forget g-2', 'forget g-1']);
    expect(controller.view().instances).toEqual([]);
  });

  it('takes a rollout back when the new instances answer with errors', async () => {
    const { controller, world, until } = await start();
    await until(settled);
    controller.roll();
    const fresh = await until((view) => view.instances.some((one) => one.edition === 2));
    for (const { id, edition } of fresh.instances)
      world.traffics.set(id, { requests: 100, errors: edition === 2 ? 50 : 0, inFlight: 0 });
    const back = await until((view) => view.rollout.mode === 'idle' && settled(view));
    expect(back.edition).toBe(1);
    expect(
      world.lines.some(({ message }) => message.includes('50.0 % of the requests to new instances fail')),
    ).toBe(true);
  });

  it('replaces an instance whose checks fail, after it has drained', async () => {
    const { world, until } = await start({
      heal: { after: 0, initialDelay: 0, most: 1, window: 60_000, holdAbove: 0.5 },
    });
    const [first] = (await until(settled)).instances;
    world.healths.set(first!.id, 'critical');
    const healed = await until((view) => settled(view) && !view.instances.some(({ id }) => id === first!.id));
    expect(healed.instances).toHaveLength(2);
    expect(world.calls).toContain(`withdraw ${first!.name}`);
  });

  it('does not replace an instance that somebody put into maintenance', async () => {
    const { controller, world, until } = await start({
      replicas: 3,
      heal: { after: 0, initialDelay: 0, most: 5, window: 60_000, holdAbove: 1 },
    });
    const [drained, sick] = (await until(settled)).instances;
    world.healths.set(drained!.id, 'maintenance');
    world.healths.set(sick!.id, 'critical');
    await until((view) => !view.instances.some(({ id }) => id === sick!.id));
    expect(controller.view().instances.find(({ id }) => id === drained!.id)).toMatchObject({
      health: 'maintenance',
      ready: false,
      leaving: false,
    });
  });

  it('without a service lets none go for a new one that has run for less than five seconds', async () => {
    const clock = new ManualClock();
    const { minReady: _, ...update } = SPEC.update;
    const { controller } = await start({ service: undefined, update }, new World(), clock);
    const until = async (found: (view: GroupView) => boolean) => {
      for (let waited = 0; !found(controller.view()); waited++) {
        expect(waited).toBeLessThan(4000);
        clock.advance(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await until(settled);
    controller.roll();
    const isLeaving = ({ instances }: GroupView) => instances.some(({ leaving }) => leaving);
    await until((view) => view.instances.length === 3 && view.ready === 3);
    const from = clock.now();
    while (!isLeaving(controller.view()) && clock.now() < from + 10_000) {
      clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(isLeaving(controller.view())).toBe(true);
    expect(clock.now() - from).toBeGreaterThanOrEqual(4900);
  });

  it('with nothing to spare rolls by instances that take the numbers, and so the addresses, of those before them', async () => {
    const seen = new Set<string>();
    const update = { ...SPEC.update, maxSurge: 0, maxUnavailable: 1 };
    const { controller, until } = await start({ update });
    const before = (await until(settled)).instances.map(({ id }) => id);
    controller.roll();
    const after = await until((view) => {
      for (const { name } of view.instances) seen.add(name);
      return settled(view) && view.rollout.mode === 'idle' && view.edition === 2;
    });
    expect([...seen].sort()).toEqual(['g-1', 'g-2']);
    expect(after.instances.filter(({ id }) => before.includes(id))).toEqual([]);
  });

  it('follows its autoscaler, within its bounds', async () => {
    const { controller, world, until } = await start(autoscaled(2, 0));
    expect(controller.view().size).toBe(2);
    world.traffic = () => ({ requests: 0, errors: 0, inFlight: 5 });
    const grown = await until((view) => view.size === 4);
    expect(grown.decision?.reason).toContain('in_flight is');
    expect(controller.scale(9)).toBe(4);
    world.traffic = () => ({ requests: 0, errors: 0, inFlight: 0 });
    expect((await until((view) => view.size === 2)).decisions.length).toBeGreaterThanOrEqual(2);
  });

  it('keeps a smaller size that was set by hand, however much was needed before', async () => {
    const { controller, world, until } = await start(autoscaled(1, 600_000));
    world.traffic = () => ({ requests: 0, errors: 0, inFlight: 5 });
    await until((view) => view.size === 4);
    world.traffic = () => ({ requests: 0, errors: 0, inFlight: 0 });
    expect(controller.scale(2)).toBe(2);
    const asked = controller.view().decision?.at ?? 0;
    expect(await until((view) => (view.decision?.at ?? 0) > asked)).toMatchObject({ size: 2 });
  });

  it('is not ready as long as nothing is registered', async () => {
    const world = new World();
    world.byDefault = undefined;
    const { controller, until } = await start({}, world);
    expect(controller.view().ready).toBe(0);
    world.byDefault = 'warning';
    await until(settled);
  });
});
