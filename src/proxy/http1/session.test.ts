import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { World } from './fake-transport.ts';
import { GET, OK, one, POST } from './session.test-support.ts';

const ADDED =
  'X-Forwarded-For: 10.0.0.1\r\nX-Real-Ip: 10.0.0.1\r\nX-Forwarded-Proto: http\r\nForwarded: for=10.0.0.1; proto=http; httpproto=http/1.1\r\n' +
  'Via: 1.1 muster\r\nX-Forwarded-Host: x.test\r\nX-Forwarded-Port: 80\r\n';

describe('an exchange', () => {
  it('passes a request with what the backend should know, and its response back', () => {
    const world = new World(one()).say(GET);
    expect(world.upstream.sent).toBe(`GET /a HTTP/1.1\r\nHost: x.test\r\n${ADDED}\r\n`);
    world.answer(OK);
    expect(world.received).toBe(OK);
    expect(world.upstream.fate).toBe('released');
    expect(world.fate).toBe('open');
  });

  it('is the same however both sides are cut', () => {
    const request =
      'POST /a HTTP/1.1\r\nHost: x.test\r\nConnection: keep-alive, x-gone\r\nX-Gone: 1\r\nX-Forwarded-For: 1.1.1.1\r\n' +
      'X-Forwarded-For: 2.2.2.2\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n';
    const response =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close, y\r\nY: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const play = (a: number[], b: number[]) => {
      const world = new World(one());
      for (const part of cut(request, a)) world.say(part);
      for (const part of cut(response, b)) world.answer(part);
      return [world.upstream.sent, world.received, world.upstream.fate, world.fate];
    };
    const whole = play([], []);
    expect(whole[2]).toBe('destroyed');
    expect(whole[0]).toContain('X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.1\r\n');
    expect(whole[0]).not.toMatch(/x-gone/i);
    const cuts = fc.array(fc.nat(400), { maxLength: 10 });
    fc.assert(
      fc.property(cuts, cuts, (a, b) => {
        expect(play(a, b)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('answers pipelined requests in order, one at a time', () => {
    const world = new World(one()).say(GET + GET.replace('/a', '/b') + GET.replace('/a', '/c'));
    expect(world.upstream.sent).not.toContain('/b');
    world.answer(OK).answer(OK);
    expect(world.upstream.sent).toContain('/c');
    world.answer(OK);
    expect(world.received).toBe(OK + OK + OK);
    expect(world.upstreams.length).toBe(1);
  });

  it('lets long header lines of a backend pass', () => {
    const world = new World(one())
      .say(GET)
      .answer(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`);
    expect(world.received).toMatch(/^HTTP\/1.1 200 OK\r\nX: x{20000}\r\n/);
  });

  it('puts the space behind the status that an instance left out, however its answer is cut', () => {
    const answer =
      'HTTP/1.1 103\r\nLink: a\r\n\r\nHTTP/1.0 200\r\nDate: d\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok';
    for (let at = 0; at < answer.length; at++) {
      const world = new World(one()).say(GET);
      for (const part of cut(answer, [at])) world.answer(part);
      expect(world.received).toBe(
        'HTTP/1.1 103 \r\nLink: a\r\n\r\nHTTP/1.1 200 \r\nDate: d\r\nContent-Length: 2\r\n\r\nok',
      );
      expect(world.upstream.fate).toBe('released');
      world.received = '';
      world.say(GET).answer(OK);
      expect(world.received).toBe(OK);
    }
    const bare = new World(one()).say(GET).answer('HTTP/1.1 204\r\n\r\n');
    expect(bare.received).toMatch(/^HTTP\/1.1 204 \r\n/);
  });

  it('starts no next request while the client does not take its answers', () => {
    const world = new World(one());
    world.isSlow = true;
    world.say(GET + GET + GET).answer(OK);
    expect(world.received).toBe(OK);
    expect(world.upstream.sent.match(/GET/g)?.length).toBe(1);
    world.say(GET.repeat(1_000));
    expect(world.isPaused).toBe(true);
    world.session.drained();
    expect(world.upstream.sent.match(/GET/g)?.length).toBe(2);
    world.isSlow = false;
    world.answer(OK);
    expect(world.upstream.sent.match(/GET/g)?.length).toBe(3);
    world.session.gone();
    expect(world.upstream.fate).toBe('destroyed');
  });

  it('closes a client that never takes its answers', () => {
    const world = new World(one(), { stallTimeout: 1_000 });
    world.isSlow = true;
    world
      .say(GET + GET)
      .answer(OK)
      .wait(1_100);
    expect(world.fate).toBe('destroyed');
    expect(world.received).toBe(OK);
  });

  it('takes the route’s prefix off the path', () => {
    const strip = (target: string) =>
      new World(routeTo([targetAt(1)], '/foo')).say(GET.replace('/a', target)).upstream.sent.split(' ')[1];
    expect(strip('/foo/bar?x')).toBe('/bar?x');
    expect(strip('/foo')).toBe('/');
    expect(strip('/foo?x')).toBe('/?x');
    expect(strip('/other')).toBe('/other');
    expect(strip('http://x.test/foo/b')).toBe('/b');
  });

  it('gives a client of HTTP/1.0 no chunks, no interim responses and no open end', () => {
    const world = new World(one()).say('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(world.upstream.sent).toContain('GET / HTTP/1.1\r\nHost: proxy.test\r\n');
    world.answer(
      'HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    expect(world.received).toBe('HTTP/1.1 200 OK\r\nDate: d\r\nConnection: close\r\n\r\nok');
    expect(world.fate).toBe('finished');
  });

  it('puts a body that ends with the connection into chunks, so that its end can be told from a cut', () => {
    const start = () => new World(one()).say(GET).answer('HTTP/1.1 200 OK\r\nDate: d\r\n\r\nab').answer('c');
    const whole = start().closed(true);
    expect(whole.received).toContain('\r\n\r\n00000002\r\nab\r\n00000001\r\nc\r\n0\r\n\r\n');
    expect(whole.fate).toBe('open');
    const broken = start().closed(false);
    expect(broken.received).toMatch(/00000001\r\nc\r\n$/);
    expect(broken.fate).toBe('finished');
  });

  it('does not reuse a connection on which more came than the response', () => {
    const world = new World(one()).say(GET).answer(`${OK}HTTP/1.1 200 OK`);
    expect(world.received).toBe(OK);
    expect(world.upstream.fate).toBe('destroyed');
  });

  it('closes behind a response that came before the body, and never takes the body for a request', () => {
    const world = new World(one()).say(`${POST}he`).answer(OK);
    expect(world.received).toContain('Connection: close\r\n');
    expect(world.fate).toBe('lingering');
    world.say('lloGET /smuggled HTTP/1.1\r\nHost: x.test\r\n\r\n');
    expect(world.upstreams.length).toBe(1);
    expect(world.upstream.sent).not.toContain('smuggled');
  });

  it('answers OPTIONS itself when Max-Forwards is 0 and counts it down otherwise', () => {
    const options = (n: number) =>
      new World(one()).say(`OPTIONS * HTTP/1.1\r\nHost: x.test\r\nMax-Forwards: ${n}\r\n\r\n`);
    expect(options(0).received).toMatch(/^HTTP\/1.1 200 /);
    expect(options(0).upstreams.length).toBe(0);
    expect(options(3).upstream.sent).toContain('Max-Forwards: 2\r\n');
  });

  it('says that there is no route', () => {
    const world = new World({
      match: () => undefined,
      next: () => undefined,
      ignoresPath: () => true,
      tcp: () => undefined,
      ofHost: () => undefined,
      mirror: () => undefined,
    }).say(GET + GET);
    expect(world.received.match(/HTTP\/1.1 404 Not Found/g)?.length).toBe(2);
    expect(world.fate).toBe('open');
  });
});

describe('an upgrade', () => {
  const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it('passes bytes both ways, early ones included', () => {
    const world = new World(one()).say(`${UPGRADE}early`);
    expect(world.upstream.sent).toMatch(/Connection: Upgrade\r\n/);
    expect(world.upstream.sent).not.toContain('early');
    world.answer(`${SWITCH}hi`).say('there');
    expect(world.received).toMatch(/\r\n\r\nhi$/);
    expect(world.upstream.sent).toMatch(/earlythere$/);
  });

  it('is one also where the instance leaves the space behind the status out', () => {
    const world = new World(one()).say(UPGRADE).answer(`${SWITCH.replace(' Switching Protocols', '')}hi`);
    expect(world.received).toMatch(/^HTTP\/1.1 101 \r\n(\S+: .*\r\n)+\r\nhi$/);
  });

  it('is one also where Connection names fields besides, on either side', () => {
    const named = (head: string) =>
      head.replace('Connection: Upgrade', 'X-Own: 1\r\nConnection: Upgrade, X-Own');
    const world = new World(one()).say(named(UPGRADE));
    expect(world.upstream.sent).toMatch(/\r\nUpgrade: websocket\r\n/);
    world.answer(`${named(SWITCH)}hi`);
    expect(world.received).toMatch(/^HTTP\/1\.1 101 /);
    expect(world.received).toMatch(/\r\n\r\nhi$/);
    expect(world.upstream.sent + world.received).not.toContain('X-Own');
  });

  it('passes each side’s end on by itself', () => {
    const world = new World(one()).say(UPGRADE).answer(SWITCH);
    world.session.ended();
    expect(world.upstream.hasEnded).toBe(true);
    expect(world.fate).toBe('open');
    world.answer('late');
    expect(world.received).toMatch(/late$/);
    world.session.upstreamEnded(world.upstream);
    expect(world.fate).toBe('ended');
  });

  it('does not take early data for a request when it is refused', () => {
    const world = new World(one()).say(UPGRADE + GET).answer('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
    expect(world.upstream.sent).not.toContain('/a');
    expect(world.fate).toBe('lingering');
  });
});

describe('the end', () => {
  it('answers a client that half-closed, then closes', () => {
    const world = new World(one()).say(GET + GET);
    world.session.ended();
    world.answer(OK);
    expect(world.fate).toBe('open');
    world.answer(OK);
    expect(world.received).toContain('Connection: close');
    expect(world.fate).toBe('lingering');
  });

  it('gives the backend up when the client is gone', () => {
    const world = new World(one()).say(GET);
    world.session.gone();
    expect(world.upstream.fate).toBe('destroyed');
    expect(world.upstream.target.state.inFlight).toBe(0);
  });

  it('never makes half a body look whole', () => {
    const world = new World(one()).say(`${POST}he`);
    world.session.ended();
    expect(world.upstream.fate).toBe('destroyed');
    expect(world.fate).toBe('lingering');
  });

  it('ends half a request behind another one with the answer of that', () => {
    const world = new World(one()).say(`${GET}${POST}he`);
    world.session.ended();
    world.answer(OK);
    expect(world.upstream.target.state.inFlight).toBe(0);
    expect(world.upstream.fate).not.toBe('open');
    expect(world.fate).toBe('lingering');
  });

  it('says nothing of other bytes about an answer that it compresses, unless that is not to be changed', () => {
    const head =
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nETag: "a"\r\nAccept-Ranges: bytes\r\nContent-MD5: a\r\nRepr-Digest: b\r\n';
    const ask = (more: string) => {
      const world = new World(one());
      world.engine.compress = compileGoRegexp('^text');
      world.say('GET /a HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n').answer(`${head}${more}\r\nok`);
      return world.received;
    };
    expect(ask('')).toContain('Content-Encoding: gzip');
    expect(ask('')).not.toMatch(/etag|ranges|md5|digest/i);
    const kept = ask('Cache-Control: private\r\nCache-Control: no-transform\r\n');
    expect(kept).not.toContain('gzip');
    expect(kept).toMatch(/Accept-Ranges/);
  });

  it('says close when draining, and closes what is idle', () => {
    const world = new World(one()).say(GET);
    world.frontend.draining = true;
    world.session.drain();
    expect(world.fate).toBe('open');
    world.answer(OK);
    expect(world.received).toContain('Connection: close\r\n');
    expect(world.fate).toBe('finished');
    const idle = new World(one()).say(GET).answer(OK);
    idle.session.drain();
    expect(idle.fate).toBe('finished');
  });

  it('leaves no instance with a request in flight, whatever happens', () => {
    const event = fc.constantFrom(
      'get',
      'post',
      'body',
      'ok',
      'part',
      'bad',
      'close',
      'reset',
      'end',
      'wait',
      'gone',
      'connect',
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), fc.boolean(), (events, atOnce) => {
        const targets = [targetAt(1, 1), targetAt(2, 2)];
        const world = new World(routeTo(targets));
        world.connectsAtOnce = atOnce;
        let isGone = false;
        for (const name of events) {
          if (isGone) break;
          const { upstream } = world.session.dispatch;
          const live = upstream === undefined ? undefined : world.upstream;
          if (name === 'get') world.say(GET);
          else if (name === 'post') world.say(POST);
          else if (name === 'body') world.say('hello');
          else if (name === 'wait') world.wait(100_000);
          else if (name === 'end') world.session.ended();
          else if (name === 'gone') {
            world.session.gone();
            isGone = true;
          } else if (live === undefined) continue;
          else if (name === 'connect') {
            if (!live.connected) world.connected();
          } else if (name === 'close') world.closed(true);
          else if (name === 'reset') world.closed(false);
          else if (!live.connected) continue;
          else if (name === 'ok') world.answer(OK);
          else if (name === 'part') world.answer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na');
          else world.answer('nonsense\r\n');
        }
        if (!isGone) world.session.gone();
        expect(targets.map(({ state }) => state.inFlight)).toEqual([0, 0]);
        expect(world.counts.overall().inFlight).toBe(0);
        expect(world.upstreams.filter(({ fate }) => fate === 'open')).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

function cut(text: string, at: number[]): string[] {
  const edges = [...new Set(at.map((n) => n % text.length))].sort((a, b) => a - b);
  const parts = [0, ...edges].map((from, i) => text.slice(from, edges[i] ?? text.length));
  return parts.filter((part) => part !== '');
}
