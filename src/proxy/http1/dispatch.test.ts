import { describe, expect, it } from 'vitest';
import { routeTo, targetAt } from '../fixtures.ts';
import { World } from './fake-transport.ts';
import { GET, OK, one, POST, three } from './session.test-support.ts';

describe('what may be tried again', () => {
  const withConnects = (routes = three()) => {
    const world = new World(routes);
    world.connectsAtOnce = false;
    return world;
  };

  it('goes to the next instance when the connection is refused, whatever the method', () => {
    const world = withConnects().say(`${POST}he`);
    expect(world.isPaused).toBe(true);
    world.closed(false).connected();
    expect(world.events).toEqual(['refused t1']);
    expect(world.isPaused).toBe(false);
    world.say('llo').answer(OK);
    expect(world.upstream.target.id).toBe('t2');
    expect(world.upstream.sent).toMatch(/\r\n\r\nhello$/);
    expect(world.received).toBe(OK);
  });

  it('says 502 when all refuse, and goes on with the connection', () => {
    const world = withConnects().say(GET).closed(false).closed(false).closed(false);
    expect(world.received).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/);
    expect(world.received).toContain('service test could not be reached');
    expect(world.fate).toBe('open');
  });

  it('says 504 when all connects time out', () => {
    const world = withConnects(one()).say(GET).wait(3_000);
    expect(world.received).toMatch(/^HTTP\/1.1 504 /);
    expect(world.events).toEqual(['refused t1']);
  });

  it('says 503 when there is no instance', () => {
    expect(new World(routeTo([])).say(GET).received).toMatch(/^HTTP\/1.1 503 /);
  });

  it('sends a GET again that was cut before the response, on the next instance', () => {
    const world = new World(three()).say(GET).closed().answer(OK);
    expect(world.events).toEqual(['cut t1', 'answered t2']);
    expect(world.received).toBe(OK);
  });

  it('sends it at most four times', () => {
    const many = routeTo([1, 2, 3, 4, 5, 6].map((n) => targetAt(n, n)));
    const world = new World(many).say(GET);
    for (let i = 0; i < 4; i++) world.closed();
    expect(world.upstreams.length).toBe(4);
    expect(world.received).toMatch(/^HTTP\/1.1 502 /);
  });

  it('never sends a POST again once it was written', () => {
    const world = new World(three()).say(`${POST}hello`).closed();
    expect(world.upstreams.length).toBe(1);
    expect(world.received).toMatch(/^HTTP\/1.1 502 /);
  });

  it('never sends anything again once a byte of the response has come', () => {
    const world = new World(three()).say(GET).answer('H').closed();
    expect(world.upstreams.length).toBe(1);
    expect(world.received).toMatch(/^HTTP\/1.1 502 /);
  });

  it('does not hold a stale connection against the instance, and takes a fresh one', () => {
    const world = new World(three()).say(GET).answer(OK).say(GET);
    expect(world.upstream.reused).toBe(true);
    world.closed(false);
    expect(world.upstream.reused).toBe(false);
    expect(world.upstream.target.id).toBe('t1');
    world.answer(OK);
    expect(world.events).toEqual(['answered t1', 'answered t1']);
  });
});

describe('a backend that does not speak HTTP', () => {
  it.each([
    ['no status line', 'hello\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 X\r\n\r\n'],
    ['a tab behind the status', 'HTTP/1.1 200\tOK\r\n\r\n'],
    ['a letter behind the status', 'HTTP/1.1 200OK\r\n\r\n'],
    ['four digits', 'HTTP/1.1 2000\r\n\r\n'],
    ['two digits and no reason', 'HTTP/1.1 20\r\n\r\n'],
    ['a line feed alone behind the status', 'HTTP/1.1 200\n\r\n'],
    ['a carriage return alone behind the status', 'HTTP/1.1 200\rOK\r\n\r\n'],
    ['101 unasked', 'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['bad chunks in the first segment', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['endless interim responses', 'HTTP/1.1 102 X\r\n\r\n'.repeat(60)],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(10_000)}`],
  ])('%s: 502, and the connection is not kept', (_, text) => {
    const world = new World(three()).say(GET).answer(text);
    expect(world.received.replace(/^(HTTP\/1.1 102 X\r\n\r\n)*/, '')).toMatch(/^HTTP\/1.1 502 /);
    expect(world.upstream.fate).toBe('destroyed');
    expect(world.upstreams.length).toBe(1);
  });

  it('cuts the client off when the chunks go bad later', () => {
    const world = new World(one())
      .say(GET)
      .answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n')
      .answer('zz');
    expect(world.fate).toBe('finished');
    expect(world.received).toMatch(/2\r\nok\r\n$/);
  });
});
