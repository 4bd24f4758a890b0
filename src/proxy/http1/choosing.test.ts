import { describe, expect, it } from 'vitest';
import { TargetStates } from '../../balance/states.ts';
import type { ChoiceSpec } from '../../route/choice.ts';
import { compile } from '../../route/compiler.ts';
import { type HandlingSpec, PLAIN_HANDLING } from '../../route/handling.ts';
import type { RouteSpec, TargetSpec } from '../../route/spec.ts';
import type { ProxyLimits } from '../limits.ts';
import type { HeaderSettings } from '../settings.ts';
import { World } from './fake-transport.ts';
import { MOST_COPIES, MOST_DRAFT } from './mirror.ts';

interface Given {
  handling?: Partial<HandlingSpec>;
  choice?: ChoiceSpec;
  targets?: readonly Partial<TargetSpec>[];
  /** Of the service "shadow", which copies go to. */
  shadows?: number;
}

const target = (slot: number, more: Partial<TargetSpec> = {}): TargetSpec => ({
  id: `node/web-${slot}`,
  host: '127.0.0.1',
  port: 8_000 + slot,
  weight: 1,
  slot,
  ...more,
});

/** A route for everything to three instances unless told otherwise. */
function worldOf(
  { handling, choice, targets = [{}, {}, {}], shadows = 0 }: Given,
  limits: Partial<ProxyLimits> = {},
): World {
  const route: RouteSpec = {
    id: '/',
    service: 'web',
    host: '',
    path: '/',
    kind: 'http',
    handlings: [{ ...PLAIN_HANDLING, ...handling }],
    strategy: 'rr',
    slot: 50,
    targets: targets.map((more, i) => target(i + 1, more)),
    ...(choice === undefined ? {} : { choice }),
  };
  const mirror: RouteSpec = {
    ...route,
    id: 'mirror shadow',
    kind: 'mirror',
    service: 'shadow',
    host: 'shadow',
    path: '',
    handlings: [PLAIN_HANDLING],
    slot: 60,
    targets: Array.from({ length: shadows }, (_, i) => target(20 + i, { id: `node/shadow-${i}` })),
  };
  const { choice: _, ...plain } = mirror;
  const draw = { random: () => 0.5, turns: new Int32Array(100), states: new TargetStates() };
  return new World(compile(shadows > 0 ? [route, plain] : [route], draw), limits);
}

const request = (fields = '', start = 'GET /a') => `${start} HTTP/1.1\r\nHost: x.test\r\n${fields}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

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
    const world = worldOf({ choice: { by: { kind: 'cookie', name: 'sid' } } });
    world.engine.routes = compile(
      [
        {
          id: '/',
          service: 'web',
          host: '',
          path: '/',
          kind: 'http',
          handlings: [PLAIN_HANDLING],
          strategy: 'maglev',
          slot: 50,
          choice: { by: { kind: 'cookie', name: 'sid' } },
          targets: [1, 2, 3].map((slot) => target(slot)),
        },
      ],
      { random: () => 0.5, turns: new Int32Array(100), states: new TargetStates() },
    );
    const whose = Array.from({ length: 60 }, (_, i) => once(world, `Cookie: sid=${i}\r\n`).id);
    expect(new Set(whose).size).toBe(3);
    expect(whose.map((_, i) => once(world, `Cookie: a=b; sid=${i}\r\n`).id)).toEqual(whose);
  });
});

describe('a mirror', () => {
  const mirror: Given = { handling: { mirror: { service: 'shadow', share: 1 } }, targets: [{}], shadows: 1 };
  const copyOf = (world: World) =>
    world.upstreams.find(({ target: { id } }) => id.startsWith('node/shadow'))!;

  it('gets a copy, whose answer nobody sees, and whose connection is used again', () => {
    const world = worldOf(mirror).say(request());
    const copy = copyOf(world);
    const original = world.upstreams.find((one) => one !== copy)!;
    expect(copy.sent).toBe(original.sent);
    copy.say('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nContent-Le');
    copy.say('ngth: 5\r\n\r\nwron');
    expect(copy.fate).toBe('open');
    copy.say('g');
    expect(copy.fate).toBe('released');
    expect(world.received).toBe('');
    original.say(OK);
    expect(world.received).toMatch(/200 OK/);
    world.say(request());
    expect(copy.reused).toBe(true);
    expect(world.counts.slot(60)).toMatchObject({ requests: 2, classes: [0, 0, 0, 0, 1] });
    expect(world.counts.overall()).toMatchObject({ classes: [0, 1, 0, 0, 0], inFlight: 1 });
  });

  it.each([
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n', 'released'],
    ['nothing behind the head', 'HTTP/1.1 204 No Content\r\n\r\n', 'released'],
    ['more than was asked for', `${OK}more`, 'destroyed'],
    [
      'a connection that it closes',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      'destroyed',
    ],
    ['no HTTP', 'SSH-2.0\r\n\r\n', 'destroyed'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'destroyed'],
  ])('may answer with %s', (_, answer, fate) => {
    for (const pieces of answer.endsWith('more') ? [[answer]] : [[answer], [...answer]]) {
      const world = worldOf(mirror).say(request());
      const copy = copyOf(world);
      for (const piece of pieces) if (copy.fate === 'open') copy.say(piece);
      expect(copy.fate).toBe(fate);
      expect(world.engine.mirrors.size).toBe(0);
      expect(copy.target.state.inFlight).toBe(0);
    }
  });

  it('gets the whole body, once it is there, without keeping the original waiting', () => {
    const world = worldOf(mirror).say(`${request('Content-Length: 10\r\n', 'POST /a')}01234`);
    expect(world.upstreams).toHaveLength(1);
    expect(world.upstream.sent).toMatch(/01234$/);
    world.say('56789');
    expect(copyOf(world).sent).toBe(world.upstreams.find((one) => one !== copyOf(world))!.sent);
  });

  it('gets none of a body that is too long, or never ends', () => {
    const world = worldOf(mirror).say(`${request(`Content-Length: ${MOST_DRAFT + 10}\r\n`, 'POST /a')}`);
    for (let sent = 0; sent < MOST_DRAFT + 10; sent += 10_000)
      world.say('x'.repeat(Math.min(10_000, MOST_DRAFT + 10 - sent)));
    world.answer(OK);
    expect(world.received).toMatch(/200 OK/);
    expect(copyOf(world)).toBeUndefined();
    world.say(`${request('Content-Length: 10\r\n', 'POST /a')}01234`);
    expect(world.engine.mirrors.kept).toBeGreaterThan(0);
    world.session.gone();
    expect(world.engine.mirrors.kept).toBe(0);
    expect(copyOf(world)).toBeUndefined();
  });

  it('that refuses, cuts, or is silent concerns the mirror alone', () => {
    const world = worldOf(mirror, { responseTimeout: 1_000 }).say(request());
    const copy = copyOf(world);
    world.upstreams.find((one) => one !== copy)!.say(OK);
    world.time += 1_000;
    world.engine.mirrors.sweep(world.time);
    expect(copy.fate).toBe('destroyed');
    world.connectsAtOnce = false;
    world.say(request());
    const refused = world.upstreams.findLast(({ target: { id } }) => id.startsWith('node/shadow'))!;
    refused.drop();
    expect(world.events).toContain('refused node/shadow-0');
    expect(world.engine.mirrors.size).toBe(0);
    expect(world.received.match(/200 OK/g)).toHaveLength(1);
  });

  it('is asked again on a fresh connection when an idle one turns out to be closed', () => {
    const world = worldOf(mirror).say(request());
    copyOf(world).say(OK);
    world.answer(OK).say(request());
    const copy = copyOf(world);
    expect(copy.reused).toBe(true);
    copy.drop();
    const fresh = world.upstreams.findLast(({ target: { id } }) => id.startsWith('node/shadow'))!;
    expect(fresh).not.toBe(copy);
    expect(fresh.sent).toContain('GET /a');
    expect(world.events.filter((event) => event.startsWith('cut'))).toEqual([]);
  });

  it('never has more than so many under way', () => {
    const world = worldOf(mirror);
    for (let i = 0; i < MOST_COPIES + 10; i++) {
      world.say(request());
      world.upstreams.findLast(({ target: { id } }) => id.startsWith('node/web'))!.say(OK);
    }
    expect(world.engine.mirrors.size).toBe(MOST_COPIES);
    expect(world.received.match(/200 OK/g)).toHaveLength(MOST_COPIES + 10);
    world.engine.mirrors.close();
    expect(world.engine.mirrors.size).toBe(0);
  });

  it('without an instance, and for an upgrade, costs nothing', () => {
    const nobody = worldOf({ ...mirror, shadows: 0 }).say(request());
    expect(nobody.upstreams).toHaveLength(1);
    const upgrade = worldOf(mirror).say(request('Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    expect(upgrade.upstreams).toHaveLength(1);
  });
});

describe('a rate limit', () => {
  const rate = { count: 2, period: 60_000, burst: 2 };
  const status = (world: World, fields = ''): string => {
    world.received = '';
    const before = world.upstreams.length;
    world.say(request(fields));
    if (world.received === '') world.answer(OK);
    else expect(world.upstreams).toHaveLength(before);
    return world.received.slice(9, 12);
  };
  const times = (world: World, fields = '') => [1, 2, 3].map(() => status(world, fields));

  it('answers 429 and says when to come again', () => {
    const world = worldOf({ handling: { rates: [{ ...rate, by: { kind: 'address', name: '' } }] } });
    expect(times(world)).toEqual(['200', '200', '429']);
    expect(world.received).toMatch(/^HTTP\/1.1 429 Too Many Requests\r\n/);
    expect(world.received).toMatch(/\r\nRetry-After: 30\r\n/);
    expect(world.fate).toBe('open');
    expect(world.counts.overall()).toMatchObject({ own4xx: 1 });
  });

  it('counts each asker for himself, and who does not say who he is by his address', () => {
    const world = worldOf({ handling: { rates: [{ ...rate, by: { kind: 'header', name: 'x-key' } }] } });
    expect(times(world, 'X-Key: a\r\n')).toEqual(['200', '200', '429']);
    expect(times(world, 'X-Key: b\r\n')).toEqual(['200', '200', '429']);
    expect(times(world)).toEqual(['200', '200', '429']);
  });

  it('counts all together, besides each', () => {
    const world = worldOf({
      handling: {
        rates: [
          { ...rate, by: { kind: 'header', name: 'x-key' } },
          { count: 3, period: 60_000, burst: 3, by: 'route' },
        ],
      },
    });
    expect(times(world, 'X-Key: a\r\n')).toEqual(['200', '200', '429']);
    expect(times(world, 'X-Key: b\r\n')).toEqual(['200', '429', '429']);
  });
});

describe('limits of a route', () => {
  it('refuse what is too large before anything of it is sent', () => {
    const world = worldOf({ handling: { limits: { maxBody: 10, maxHead: 200 } } });
    world.say(request(`X: ${'x'.repeat(200)}\r\n`));
    expect(world.received).toMatch(/^HTTP\/1.1 431 /);
    world.received = '';
    world.say(`${request('Content-Length: 11\r\n', 'POST /a')}`);
    expect(world.received).toMatch(/^HTTP\/1.1 413 /);
    expect(world.fate).toBe('lingering');
    expect(world.upstreams).toHaveLength(0);
    const chunked = worldOf({ handling: { limits: { maxBody: 10 } } });
    chunked.say(`${request('Transfer-Encoding: chunked\r\n', 'POST /a')}14\r\n${'x'.repeat(20)}\r\n`);
    expect(chunked.received).toMatch(/^HTTP\/1.1 413 /);
    expect(chunked.upstreams).toHaveLength(0);
    expect(chunked.counts.overall()).toMatchObject({ inFlight: 0 });
  });

  it('end a body that turns out to be too long, and take one that just fits', () => {
    const world = worldOf({ handling: { limits: { maxBody: 30 } } });
    world.say(request('Transfer-Encoding: chunked\r\n', 'POST /a'));
    world.say('5\r\nhello\r\n').say(`14\r\n${'x'.repeat(20)}\r\n`);
    expect(world.received).toMatch(/^HTTP\/1.1 413 /);
    expect(world.upstream.fate).toBe('destroyed');
    const fits = worldOf({ handling: { limits: { maxBody: 5 } } });
    fits
      .say(`${request('Content-Length: 5\r\n', 'POST /a')}hel`)
      .say('lo')
      .answer(OK);
    expect(fits.received).toMatch(/^HTTP\/1.1 200 /);
  });

  it('are in force for this request alone', () => {
    const world = worldOf({ handling: { limits: { responseTimeout: 100 } } }, { responseTimeout: 60_000 });
    world.say(request()).wait(101);
    expect(world.received).toMatch(/^HTTP\/1.1 504 /);
    world.engine.routes = worldOf({}).engine.routes;
    world.received = '';
    world.say(request()).wait(30_000);
    expect(world.received).toBe('');
  });
});

describe('a trace', () => {
  const traced = (headers: HeaderSettings = { trace: true }) => {
    const world = worldOf({});
    world.engine.configure({ headers });
    return world;
  };
  const sent = (world: World, fields: string) => {
    world.say(request(fields));
    const text = world.upstream.sent;
    world.answer(OK);
    world.upstream.sent = '';
    return text;
  };
  const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

  it('goes on with a span of ours, and what vendors say of it with it', () => {
    const fields = `TraceParent: 00-${ID}-00f067aa0ba902b7-01\r\ntracestate: a=1\r\ntracestate: b=2\r\n`;
    const text = sent(traced(), fields);
    const [, span] = new RegExp(`\\r\\ntraceparent: 00-${ID}-([0-9a-f]{16})-01\\r\\n`).exec(text) ?? [];
    expect(span).not.toBe('00f067aa0ba902b7');
    expect(text.match(/traceparent/gi)).toHaveLength(1);
    expect(text.match(/tracestate: /g)).toHaveLength(2);
  });

  it.each([
    ['none', ''],
    ['no hexadecimal', `traceparent: 00-${ID.replace('4', 'g')}-00f067aa0ba902b7-01\r\n`],
    ['upper case', `traceparent: 00-${ID.toUpperCase()}-00f067aa0ba902b7-01\r\n`],
    ['an id of zeros', `traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01\r\n`],
    ['a span of zeros', `traceparent: 00-${ID}-${'0'.repeat(16)}-01\r\n`],
    ['more than its version knows', `traceparent: 00-${ID}-00f067aa0ba902b7-01-x\r\n`],
    ['no version', `traceparent: ff-${ID}-00f067aa0ba902b7-01\r\n`],
    ['two', `traceparent: 00-${ID}-00f067aa0ba902b7-01\r\n`.repeat(2)],
  ])('begins anew when the client sends %s', (_, fields) => {
    const text = sent(traced(), `${fields}tracestate: a=1\r\n`);
    expect(text).toMatch(/\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
    expect(text).not.toContain(ID);
    expect(text).not.toContain('tracestate');
  });

  it('goes on in a later version as far as we know it', () => {
    expect(sent(traced(), `traceparent: 01-${ID}-00f067aa0ba902b7-03-more\r\n`)).toMatch(
      new RegExp(`\\r\\ntraceparent: 00-${ID}-[0-9a-f]{16}-01\\r\\n`),
    );
  });

  it('is passed on as it is where nobody asked for more', () => {
    expect(sent(worldOf({}), 'traceparent: whatever\r\n')).toContain('\r\ntraceparent: whatever\r\n');
  });

  it('is another one for each request', () => {
    const world = traced();
    const ids = new Set(
      Array.from({ length: 1_000 }, () => /traceparent: 00-(\w+)/.exec(sent(world, ''))?.[1]),
    );
    expect(ids.size).toBe(1_000);
  });
});
