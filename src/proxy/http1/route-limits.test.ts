import { describe, expect, it } from 'vitest';
import type { World } from './fake-transport.ts';
import { OK, request, worldOf } from './fixtures.ts';

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
