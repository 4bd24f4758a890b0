import { describe, expect, it } from 'vitest';
import { TargetStates } from '../../balance/states.ts';
import { Compiler } from '../../route/compiler.ts';
import { routeSpec } from '../fixtures.ts';
import { World } from './fake-transport.ts';
import { type Given, OK, request, worldOf } from './fixtures.ts';

/** Asks once and answers; who was asked, and the cookie that came. */
function once(world: World, fields = ''): { id: string; cookie: string } {
  world.received = '';
  world.say(request(fields));
  const { id } = world.upstream.target;
  world.answer(OK);
  const [, cookie = ''] = /Set-Cookie: ([^;]+);/.exec(world.received) ?? [];
  return { id, cookie };
}

describe('a sticky route', () => {
  const sticky = (more = {}) => worldOf({ choice: { sticky: { cookie: '', maxAge: 0, ...more } } });

  it('keeps a client at its instance by a cookie, which it is given once', () => {
    const world = sticky();
    const first = once(world);
    expect(first.cookie).toMatch(/^muster-[\w-]{8}=[\w-]{16}$/);
    for (let i = 0; i < 5; i++)
      expect(once(world, `Cookie: other=1; ${first.cookie}\r\n`)).toEqual({ id: first.id, cookie: '' });
    // Who has none gets the next instance, and another cookie.
    const second = once(world);
    expect(second.id).not.toBe(first.id);
    expect(second.cookie).not.toBe(first.cookie);
  });

  it('tells nothing of the instance, and nobody but HTTP of the cookie', () => {
    const world = sticky({ cookie: 'place', maxAge: 3_600 });
    once(world);
    expect(world.received).toMatch(
      /\r\nSet-Cookie: place=[\w-]{16}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax\r\n/,
    );
    expect(world.received).not.toMatch(/web-|8001|127\.0/);
  });

  it('takes no cookie for one that it did not make', () => {
    const world = sticky({ cookie: 'place' });
    for (const value of ['', 'x', 'bm9kZS93ZWItMg', 'node/web-2', '"'.repeat(300)])
      expect(once(world, `Cookie: place=${value}\r\n`).cookie).toMatch(/^place=[\w-]{16}$/);
    const other = sticky({ cookie: 'place' });
    const { cookie } = once(other);
    world.engine.configure({ stickyKey: 'a' });
    expect(once(world, `Cookie: ${cookie}\r\n`).cookie).not.toBe('');
    const known = once(world).cookie;
    other.engine.configure({ stickyKey: 'a' });
    expect(once(other, `Cookie: ${known}\r\n`).cookie).toBe('');
  });

  it('lets the client go when its instance is ejected, refuses or is gone, and keeps it at the new one', () => {
    const world = sticky();
    const { id, cookie } = once(world);
    const { state } = world.upstream.target;
    state.ejectedUntil = 9;
    const next = once(world, `Cookie: ${cookie}\r\n`);
    expect(next.id).not.toBe(id);
    expect(once(world, `Cookie: ${next.cookie}\r\n`)).toEqual({ id: next.id, cookie: '' });
    // Refused while the request is under way: the answer says where the client is now.
    state.ejectedUntil = 0;
    for (const upstream of world.upstreams) upstream.fate = 'destroyed';
    world.connectsAtOnce = false;
    world.received = '';
    world.say(request(`Cookie: ${cookie}\r\n`));
    expect(world.upstream.target.id).toBe(id);
    world.closed();
    world.connected().answer(OK);
    expect(world.received).toMatch(/Set-Cookie: muster-/);
    expect(world.upstream.target.id).not.toBe(id);
  });
});

describe('a canary', () => {
  const canary = {
    share: 0.3,
    by: { kind: 'header', name: 'x-user' },
    when: { header: 'x-try', value: 'yes' },
  } as const;
  const given: Given = { choice: { canary }, targets: [{}, {}, { canary: true }] };
  const isCanary = ({ id }: { id: string }) => id === 'node/web-3';

  it('gets its part of the users, the same ones each time', () => {
    const world = worldOf(given);
    const users = Array.from({ length: 400 }, (_, i) => `X-User: user-${i}\r\n`);
    const those = () => users.filter((user) => isCanary(once(world, user)));
    const first = those();
    expect(first.length / users.length).toBeCloseTo(0.3, 1);
    expect(those()).toEqual(first);
    const arms = new Set(Array.from({ length: 20 }, () => isCanary(once(world))));
    expect(arms.size).toBe(1);
  });

  it('gets every request with the field, whoever sends it', () => {
    const world = worldOf(given);
    for (let i = 0; i < 50; i++) {
      expect(isCanary(once(world, `X-User: user-${i}\r\nX-Try: yes\r\n`))).toBe(true);
      expect(isCanary(once(world, `X-User: nobody\r\nX-Try: no\r\n`))).toBe(
        isCanary(once(world, 'X-User: nobody\r\n')),
      );
    }
  });

  it('is stood in for while it is out', () => {
    const world = worldOf(given);
    once(world, 'X-Try: yes\r\n');
    world.upstream.target.state.ejectedUntil = 9;
    expect(isCanary(once(world, 'X-Try: yes\r\n'))).toBe(false);
  });

  it('does not take a client from the instance that he sticks to', () => {
    const world = worldOf({ ...given, choice: { canary, sticky: { cookie: '', maxAge: 0 } } });
    const { id, cookie } = once(world, 'X-User: user-1\r\n');
    for (let i = 0; i < 30; i++)
      expect(once(world, `X-User: user-${i}\r\nCookie: ${cookie}\r\n`)).toEqual({ id, cookie: '' });
    expect(isCanary(once(world, `X-Try: yes\r\nCookie: ${cookie}\r\n`))).toBe(true);
  });
});

describe('a route that goes by a field', () => {
  it('sends the same one to the same instance', () => {
    const world = worldOf({ strategy: 'maglev', choice: { by: { kind: 'cookie', name: 'sid' } } });
    const whose = Array.from({ length: 60 }, (_, i) => once(world, `Cookie: sid=${i}\r\n`).id);
    expect(new Set(whose).size).toBe(3);
    expect(whose.map((_, i) => once(world, `Cookie: a=b; sid=${i}\r\n`).id)).toEqual(whose);
  });
});

describe('a request that came when no instance had room', () => {
  const options = { maxConnections: 1 };

  /** What was sent by the end to whom, when one of two instances has room again. */
  async function sentOnce(world: World, hasRoom: number): Promise<{ id: string; sent: string } | undefined> {
    for (const one of [1, 2]) expect(once(world).id).toBe(`node/web-${one}`);
    const targets = world.upstreams.map(({ target }) => target);
    for (const { state } of targets) state.inFlight = 1;
    const sentSoFar = () => world.upstreams.reduce((sum, { sent }) => sum + sent.length, 0);
    const before = sentSoFar();
    world.say(request());
    targets[hasRoom]!.state.inFlight = 0;
    world.engine.waiting.freed();
    await Promise.resolve();
    const { target, sent } = world.upstream;
    return sentSoFar() === before ? undefined : { id: target.id, sent: sent.slice(sent.lastIndexOf('GET ')) };
  }

  it('names the instance as Host that takes it, where instances are told their own address', async () => {
    const world = worldOf({ handling: { host: 'dst' }, targets: [{ options }, { options }] });
    const { id, sent = '' } = (await sentOnce(world, 1)) ?? {};
    expect(id).toBe('node/web-2');
    for (const line of ['Host: 127.0.0.1:8002', 'X-Forwarded-Host: 127.0.0.1:8002', 'X-Forwarded-Port: 8002'])
      expect(sent).toContain(`\r\n${line}\r\n`);
  });

  it('goes to one that came meanwhile, and not to one that has left', async () => {
    const compiler = new Compiler({
      random: () => 0.5,
      turns: new Int32Array(9),
      states: new TargetStates(),
    });
    const tableWith = (id: string) =>
      compiler.apply({ version: 1, changed: [routeSpec([{ id, options }])], patched: [], removed: [] });
    const world = new World(tableWith('old'));
    once(world);
    world.upstream.target.state.inFlight = 1;
    world.say(request());
    expect(world.upstreams).toHaveLength(1);
    world.engine.routes = tableWith('newer');
    world.engine.routes = tableWith('newest');
    world.engine.waiting.sweep();
    await Promise.resolve();
    expect(world.upstreams.map(({ target }) => target.id)).toEqual(['old', 'newest']);
  });

  it('lets others go first once its client has ended, and is answered all the same', async () => {
    const world = worldOf({ targets: [{ options }] });
    once(world);
    const { state } = world.upstream.target;
    state.inFlight = 1;
    world.say(request());
    world.session.ended();
    let asked = 0;
    const behind = { isPicky: false, admit: () => ++asked > 0 };
    world.engine.waiting.enter(world.session.dispatch.route!, behind, 1_000);
    world.upstreams.length = 0;
    world.engine.waiting.freed();
    await Promise.resolve();
    expect([asked, world.upstreams.length]).toEqual([1, 0]);
    state.inFlight = 0;
    world.engine.waiting.freed();
    await Promise.resolve();
    expect(world.upstreams).toHaveLength(1);
  });

  it('holds nobody up who would take the instance that it was refused by', async () => {
    const world = worldOf({ targets: [{ options }, { options }] });
    for (const one of [1, 2]) expect(once(world).id).toBe(`node/web-${one}`);
    const [first, second] = world.upstreams.map(({ target }) => target.state);
    world.upstreams.length = 0;
    world.connectsAtOnce = false;
    second!.inFlight = 1;
    world.say(request());
    world.closed();
    expect(world.events).toContain('refused node/web-1');
    let asked = 0;
    const behind = { isPicky: false, admit: () => ++asked > 0 };
    world.engine.waiting.enter(world.session.dispatch.route!, behind, 1_000);
    expect(first!.inFlight).toBe(0);
    world.engine.waiting.freed();
    await Promise.resolve();
    expect([asked, world.upstreams.length]).toEqual([1, 1]);
    second!.inFlight = 0;
    world.engine.waiting.freed();
    await Promise.resolve();
    expect(world.upstream.target.id).toBe('node/web-2');
  });

  it('goes to nobody who asks for it in another way than it was written', async () => {
    const given: Given = {
      handlings: [{ prepend: '/one' }, { prepend: '/two' }],
      targets: [{ options }, { options, arm: 1 }],
    };
    const other = await sentOnce(worldOf(given), 1);
    expect(other === undefined || other.sent.startsWith('GET /two/a ')).toBe(true);
    const same = await sentOnce(worldOf(given), 0);
    expect(same?.sent).toMatch(/^GET \/one\/a /);
  });
});
