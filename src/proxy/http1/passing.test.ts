import { describe, expect, it } from 'vitest';
import { World } from './fake-transport.ts';
import { type Given, request, worldOf } from './fixtures.ts';
import { GET, OK, one } from './session.test-support.ts';

const MUCH = 1_000_000;
const head = (fields: string) => `HTTP/1.1 200 OK\r\nDate: d\r\n${fields}\r\n`;
const post = (length: number) => request(`Content-Length: ${length}\r\n`, 'POST /a');

describe('a large body', () => {
  it('may go to the client by itself, is counted, and the connection is kept behind it', () => {
    const world = new World(one()).say(GET);
    world.answer(`${head(`Content-Length: ${MUCH}\r\n`)}begun`);
    const { upstream, session } = world;
    expect(upstream.passable).toBe(MUCH - 5);
    session.passing.response(400_000, true);
    expect(upstream.fate).toBe('open');
    session.passing.response(MUCH - 400_005, true);
    expect(upstream.fate).toBe('released');
    expect(world.counts.overall()).toMatchObject({ inFlight: 0, bytesOut: world.received.length + MUCH - 5 });
    expect(world.say(GET).answer(OK).received.endsWith(OK)).toBe(true);
  });

  it('is said again when some of it comes after all', () => {
    const world = new World(one()).say(GET).answer(`${head(`Content-Length: ${MUCH}\r\n`)}`);
    expect(world.upstream.passable).toBe(MUCH);
    world.answer('x'.repeat(10_000));
    expect(world.upstream.passable).toBe(MUCH - 10_000);
  });

  it('holds its instance back while the client is slow, whose time is then that of a stall', () => {
    const world = new World(one(), { stallTimeout: 1_000, responseSilence: 60_000 }).say(GET);
    world.answer(head(`Content-Length: ${MUCH}\r\n`));
    world.session.passing.response(200_000, false);
    expect(world.upstream.isPaused).toBe(true);
    world.wait(900).session.drained();
    expect(world.upstream.isPaused).toBe(false);
    world.session.passing.response(200_000, false);
    expect(world.wait(1_100).fate).not.toBe('open');
  });

  it('is looked at where it has to be', () => {
    const passable = (given: Given, answer: string, ask = request('Accept-Encoding: gzip\r\n')) => {
      const world = worldOf(given);
      world.engine.configure({ compress: '^text/' });
      return world.say(ask).answer(answer).upstream.passable;
    };
    const long = `Content-Length: ${MUCH}\r\n`;
    expect(passable({}, head(long))).toBe(MUCH);
    expect(passable({}, head('Content-Length: 20000\r\n'))).toBe(0);
    expect(passable({}, head(`Content-Type: text/html\r\n${long}`))).toBe(0);
    // An HTTP/1.1 client gets chunks where the connection was the end.
    expect(passable({}, head('Connection: close\r\n'))).toBe(0);
    expect(passable({}, head('Connection: close\r\n'), 'GET /a HTTP/1.0\r\nHost: x\r\n\r\n')).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(passable({}, head('Transfer-Encoding: chunked\r\n'))).toBe(0);
    expect(passable({}, `${head('Transfer-Encoding: chunked\r\n')}100000\r\nabc`)).toBe(0x100000 - 3);
  });

  it('may go to the instance by itself, up to what its route takes', () => {
    const world = new World(one()).say(post(MUCH));
    expect(world.passable).toBe(MUCH);
    world.session.passing.request(MUCH - 1, false);
    expect(world.isPaused).toBe(true);
    world.session.upstreamDrained();
    expect(world.isPaused).toBe(false);
    world.say('x').answer(OK);
    expect(world.upstream.fate).toBe('released');
    expect(world.counts.overall().bytesIn).toBe(post(MUCH).length + MUCH);

    const chunked = worldOf({ handling: { limits: { maxBody: 500_000 } } });
    chunked.say(`${request('Transfer-Encoding: chunked\r\n', 'POST /a')}100000\r\n`);
    // The size of the chunk counts too.
    expect(chunked.passable).toBe(499_992);
    chunked.session.passing.request(499_992, true);
    expect(chunked.say('x').received).toMatch(/^HTTP\/1.1 413 /);
  });

  it('is kept for its copy', () => {
    const mirror: Given = {
      handling: { mirror: { service: 'shadow', share: 1 } },
      targets: [{}],
      shadows: 1,
    };
    expect(worldOf(mirror).say(post(MUCH)).passable).toBe(0);
  });

  it('waits until there is a connection for it', () => {
    const world = new World(one());
    world.connectsAtOnce = false;
    world.say(post(MUCH));
    expect(world.passable).toBe(0);
    world.connected().say('x');
    expect(world.passable).toBe(MUCH - 1);
  });
});
