import { describe, expect, it } from 'vitest';
import type { World } from './fake-transport.ts';
import { type Given, OK, request, worldOf } from './fixtures.ts';
import { MOST_COPIES, MOST_DRAFT } from './mirror.ts';

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
