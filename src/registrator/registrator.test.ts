import { afterEach, describe, expect, it } from 'vitest';
import type { ContainerDetails, ContainerSummary, EngineEvent } from '../docker/types.ts';
import { MusterError } from '../errors.ts';
import { type Clock, wakefulClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { becomes } from '../lib/soon.test-support.ts';
import { DEFAULT_OPTIONS, type RegistratorOptions } from './options.ts';
import { Registrator, type RegistratorParts } from './registrator.ts';
import { tagTemplate } from './tag-template.ts';
import type { PresentService, Target } from './target.ts';
import type { WantedService } from './wanted.ts';

const running: Registrator[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** An engine whose list is what the test says, whatever its events are. */
class FakeEngine {
  address = 'fake';
  containers = new Map<string, { name: string; state: string; shown: boolean; network: string }>();
  broken = false;
  #events: EngineEvent[] = [];
  #wake = () => {};

  put(id: string, state = 'running', shown = true, network = 'host'): void {
    this.containers.set(id, { name: id, state, shown, network });
  }

  async listContainers(): Promise<ContainerSummary[]> {
    if (this.broken) throw new MusterError('docker.unreachable', 'the engine is away');
    return [...this.containers].flatMap(([Id, { name, state, shown }]) =>
      shown ? [{ Id, Names: [`/${name}`], State: state, Status: 'Up', Ports: [] }] : [],
    );
  }

  async inspectContainer(id: string): Promise<ContainerDetails | undefined> {
    const one = this.containers.get(id);
    if (one?.name === 'hangs') throw new MusterError('docker.unreachable', 'no answer within 10000 ms');
    return (
      one && {
        Id: id,
        Name: `/${one.name}`,
        Config: { Image: 'web', Env: [], ExposedPorts: { '80/tcp': {} } },
        HostConfig: { NetworkMode: one.network },
      }
    );
  }

  say(Action: string, ID: string, Attributes: Record<string, string> = {}): void {
    this.#events.push({ Type: 'container', Action, Actor: { ID, Attributes } });
    this.#wake();
  }

  async events({ signal }: { signal?: AbortSignal } = {}): Promise<AsyncGenerator<EngineEvent, void>> {
    const next = () =>
      new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => resolve());
      });
    const events = this.#events;
    return (async function* () {
      while (signal?.aborted !== true) {
        yield* events.splice(0);
        await next();
      }
    })();
  }
}

class FakeTarget implements Target {
  address = 'fake';
  services = new Map<string, PresentService>();
  refused: string[] = [];
  puts = 0;
  ping = () => Promise.resolve();
  list = async () => [...this.services.values()];
  print = ({ name, port }: WantedService) => `${name} ${port}`;
  async put(service: WantedService) {
    this.puts++;
    if (this.refused.includes(service.id)) throw new MusterError('client.refused', 'no');
    this.services.set(service.id, {
      id: service.id,
      name: service.name,
      owner: undefined,
      print: this.print(service),
    });
  }
  async remove({ id }: { id: string }) {
    this.services.delete(id);
  }
  get ids() {
    return [...this.services.keys()].sort();
  }
}

/** What an earlier run of this host put there. */
const left = (id: string): PresentService => ({ id, name: 'web', owner: 'here', print: '' });

function begin(
  engine: FakeEngine,
  target: FakeTarget,
  options: Partial<RegistratorOptions> = {},
  more: Partial<RegistratorParts> = {},
) {
  const lines: LogLine[] = [];
  const parts: RegistratorParts = {
    engine,
    target,
    options: { ...DEFAULT_OPTIONS, hostname: 'here', ...options },
    hostAddress: '10.0.0.1',
    nodeAddress: '10.0.0.1',
    tags: () => [],
    logger: createLogger({ level: 'debug', sink: (line) => lines.push(line) }),
    ...more,
  };
  const registrator = new Registrator(parts);
  running.push(registrator);
  registrator.start();
  return { registrator, lines };
}

describe('the registrator', () => {
  it('looks again after the last word: the list of an engine may lag behind its events', async () => {
    // Docker says "unpause" before its list shows the container as running; it was missing until the next resync.
    const engine = new FakeEngine();
    const target = new FakeTarget();
    engine.put('aa', 'paused');
    const { registrator } = begin(engine, target);
    await becomes(() => registrator.state.comparedAt !== undefined);
    engine.say('unpause', 'aa');
    const before = registrator.state.comparedAt;
    await becomes(() => registrator.state.comparedAt !== before);
    engine.put('aa');
    await becomes(() => target.ids.includes('here:aa:80'));
  });

  it('keeps everything while the engine is away, and what it cannot look into', async () => {
    const engine = new FakeEngine();
    const target = new FakeTarget();
    for (const id of ['aa', 'bb']) engine.put(id);
    const { registrator } = begin(engine, target);
    await becomes(() => target.ids.length === 2);
    engine.broken = true;
    engine.say('die', 'aa');
    await becomes(() => registrator.state.trouble === 'the engine is away');
    expect(target.ids).toEqual(['here:aa:80', 'here:bb:80']);
    engine.broken = false;
    target.services.set('here:hangs:80', { id: 'here:hangs:80', name: 'web', owner: undefined, print: '' });
    engine.put('hangs');
    engine.containers.delete('aa');
    engine.say('die', 'aa');
    await becomes(() => !target.ids.includes('here:aa:80'));
    expect(target.ids).toEqual(['here:bb:80', 'here:hangs:80']);
    expect(registrator.state).toMatchObject({ puts: 2, removals: 1 });
    expect(registrator.state.errors).toBeGreaterThan(0);
    expect(registrator.state.comparisons).toBeGreaterThan(0);
  });

  it('keeps an ID of its own that an earlier run left, until all containers are looked into', async () => {
    // After a restart an engine that took longer than half a second to tell of a container cost it its registration.
    const engine = new FakeEngine();
    const target = new FakeTarget();
    for (const id of ['own', 'here:gone:80']) target.services.set(id, left(id));
    for (const id of ['aa', 'hangs']) engine.put(id);
    begin(engine, target);
    await becomes(() => target.ids.includes('here:aa:80') && !target.ids.includes('here:gone:80'));
    expect(target.ids).toEqual(['here:aa:80', 'own']);
    engine.containers.delete('hangs');
    engine.say('die', 'hangs');
    await becomes(() => !target.ids.includes('own'));
    expect(target.ids).toEqual(['here:aa:80']);
  });

  it('takes a container out when it is told to end, and back when it did not', async () => {
    const engine = new FakeEngine();
    const target = new FakeTarget();
    engine.put('aa');
    begin(engine, target);
    await becomes(() => target.ids.length === 1);
    engine.say('kill', 'aa', { signal: '15' });
    await becomes(() => target.ids.length === 0);
    engine.say('start', 'aa');
    await becomes(() => target.ids.length === 1);
    engine.say('kill', 'aa', { signal: '1' });
    engine.put('bb');
    engine.say('start', 'bb');
    await becomes(() => target.ids.length === 2);
    expect(target.ids).toEqual(['here:aa:80', 'here:bb:80']);
  });

  it('registers none whose network is that of a container that does not run', async () => {
    // It was registered with the address of the host, where nobody listens.
    const engine = new FakeEngine();
    const target = new FakeTarget();
    engine.put('vpn');
    engine.put('aa', 'running', true, 'container:vpn');
    const { lines } = begin(engine, target);
    await becomes(() => target.ids.length === 2);
    engine.containers.delete('vpn');
    engine.say('die', 'vpn');
    await becomes(() => target.ids.length === 0);
    expect(lines.filter(({ fields }) => fields?.container === 'aa').at(-1)?.message).toMatch(/does not run/);
  });

  it('says that -tags names what a container does not have', async () => {
    const engine = new FakeEngine();
    const target = new FakeTarget();
    engine.put('aa');
    const { lines } = begin(engine, target, {}, { tags: tagTemplate('a,zone-{{.Config.Zone}}') });
    await becomes(() => target.ids.length === 1);
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('the tag "zone-<no value>" of -tags'), fields: { container: 'aa' } },
    ]);
  });

  it('goes on with the others when one is refused, and says it once', async () => {
    const engine = new FakeEngine();
    const target = new FakeTarget();
    target.refused = ['here:aa:80'];
    for (const id of ['aa', 'bb']) engine.put(id);
    const { lines, registrator } = begin(engine, target);
    await becomes(() => target.ids.length === 1);
    engine.say('start', 'bb');
    const before = registrator.state.comparedAt;
    await becomes(() => registrator.state.comparedAt !== before);
    expect(target.ids).toEqual(['here:bb:80']);
    expect(lines.filter(({ message }) => message.includes('refused'))).toMatchObject([
      { message: 'here:aa:80 is refused by the registry: no', fields: { container: 'aa' } },
    ]);
  });

  it('says once that nothing can be renewed, and compares as soon as it can be again', async () => {
    // It went on with what it knew until the next try, up to ten seconds after etcd was back.
    const engine = new FakeEngine();
    engine.put('aa');
    const target = new FakeTarget();
    const away = new MusterError('client.unreachable', 'no etcd answers');
    let isAway = true;
    const ids = target.list;
    Object.assign(target, {
      list: () => (isAway ? Promise.reject(away) : ids()),
      refresh: async () => {
        isAway = registrator.state.errors < 3;
        if (isAway) throw away;
      },
    });
    // No other try comes by itself.
    const clock: Clock = {
      ...wakefulClock,
      after: (ms, task) => (ms > 200 ? () => {} : wakefulClock.after(ms, task)),
    };
    const options = { resync: 0, ttl: 20, ttlRefresh: 5 };
    const { registrator, lines } = begin(engine, target, options, { clock, random: () => 0.999 });
    await becomes(() => target.ids.includes('here:aa:80'));
    expect(lines.filter(({ message }) => message.includes('could not be renewed'))).toHaveLength(1);
  });

  it('writes nothing when nothing changed', async () => {
    const engine = new FakeEngine();
    const target = new FakeTarget();
    engine.put('aa');
    const { registrator } = begin(engine, target, { resync: 5 });
    await becomes(() => target.puts === 1);
    for (let round = 0; round < 5; round++) {
      const before = registrator.state.comparedAt;
      await becomes(() => registrator.state.comparedAt !== before);
    }
    expect(target.puts).toBe(1);
  });
});
