import { describe, expect, it } from 'vitest';
import { World } from './fake-transport.ts';
import { GET, OK, one, POST, three } from './session.test-support.ts';

describe('time', () => {
  it('refuses a head that does not come, and closes an idle connection without a word', () => {
    const slow = new World(one(), { headTimeout: 3_000 }).say('GET / HT').wait(2_900).say('TP').wait(200);
    expect(slow.received).toMatch(/^HTTP\/1.1 408 /);
    expect(slow.fate).toBe('lingering');
    const idle = new World(one(), { keepAliveTimeout: 5_000 }).say(GET).answer(OK).wait(4_900);
    expect(idle.fate).toBe('open');
    idle.wait(200);
    expect(idle.received).toBe(OK);
    expect(idle.fate).toBe('finished');
  });

  it('refuses a silent body, but not a slow one', () => {
    const world = new World(one(), { bodyTimeout: 1_000 })
      .say(POST)
      .wait(900)
      .say('a')
      .wait(900)
      .say('b')
      .wait(1_100);
    expect(world.received).toMatch(/^HTTP\/1.1 408 /);
    expect(world.upstream.fate).toBe('destroyed');
  });

  it('waits for the body, not for the backend, after a 100', () => {
    const world = new World(one(), { bodyTimeout: 1_000, responseSilence: 9_000 }).say(POST);
    world.answer('HTTP/1.1 100 Continue\r\n\r\n').wait(1_100);
    expect(world.received).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 408 /);
  });

  it('says 504 for a silent backend, once, and cuts a response that stops', () => {
    const silent = new World(three(), { responseTimeout: 1_000 }).say(GET).wait(1_100);
    expect(silent.received).toMatch(/^HTTP\/1.1 504 /);
    expect(silent.upstreams.length).toBe(1);
    expect(silent.fate).toBe('open');
    const stopped = new World(one(), { responseSilence: 1_000 })
      .say(GET)
      .answer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na')
      .wait(1_100);
    expect(stopped.received).not.toContain('504');
    expect(stopped.fate).toBe('finished');
  });

  it('does not blame the backend for a client that takes nothing', () => {
    const world = new World(one(), { responseSilence: 1_000, stallTimeout: 9_000 }).say(GET);
    world.isSlow = true;
    world.answer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na');
    expect(world.upstream.isPaused).toBe(true);
    world.wait(8_000);
    expect(world.fate).toBe('open');
    world.session.drained();
    expect(world.upstream.isPaused).toBe(false);
  });
});
