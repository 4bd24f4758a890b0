import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OK, request, worldOf } from './fixtures.ts';
import type { Sampler } from './trace.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';

function recorded(sampler: Sampler | undefined = { ratio: 1, heedsParent: true }, given = {}) {
  const world = worldOf(given);
  world.engine.configure({ sampler });
  return world;
}

/** The span that the instance was told. */
function told(sent: string): string | undefined {
  return /\r\ntraceparent: 00-[0-9a-f]{32}-([0-9a-f]{16})-01\r\n/.exec(sent)?.[1];
}

describe('the spans of a request', () => {
  it('are one for the client and one below it for the instance, which is told of the latter', () => {
    const world = recorded();
    world.say(
      request(`traceparent: 00-${ID}-${PARENT}-01\r\nUser-Agent: curl/8\r\n`, 'GET /a%20b?token=secret'),
    );
    const sent = world.upstream.sent;
    world.answer(OK);
    const [server, client, ...more] = world.spans;
    expect(more).toEqual([]);
    expect(server).toMatchObject({
      traceId: ID,
      parentId: PARENT,
      kind: 'server',
      name: 'GET /',
      isError: false,
    });
    expect(server?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': '/a%20b',
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'client.address': '10.0.0.1',
      'network.peer.address': '10.0.0.1',
      'user_agent.original': 'curl/8',
      'server.address': 'x.test',
      'http.route': '/',
      'muster.route': '/',
      'muster.service': 'web',
      'http.response.status_code': 200,
    });
    expect(client).toMatchObject({ traceId: ID, parentId: server?.spanId, kind: 'client', name: 'GET' });
    expect(client?.spanId).toBe(told(sent));
    expect(client?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.full': 'http://127.0.0.1:8001/a%20b',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': 8001,
      'network.peer.address': '127.0.0.1',
      'network.peer.port': 8001,
      'http.response.status_code': 200,
      'muster.instance': 'node/web-1',
    });
    expect(server!.start).toBeLessThanOrEqual(client!.start);
    expect(client!.end).toBeLessThanOrEqual(server!.end);
    expect(JSON.stringify(world.spans)).not.toContain('secret');
  });

  it('are one more for each attempt, which its instance is told of', () => {
    const world = recorded();
    world.connectsAtOnce = false;
    world.say(request()).closed(false);
    world.connectsAtOnce = true;
    world.connected();
    const second = told(world.upstream.sent);
    world.answer(UNAVAILABLE);
    const third = told(world.upstream.sent);
    world.answer(OK);
    const [server, ...attempts] = world.spans;
    expect(server?.attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(attempts.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([
      undefined,
      1,
      2,
    ]);
    expect(attempts.map(({ attributes }) => attributes['error.type'])).toEqual(['refused', '503', undefined]);
    expect(attempts.map(({ isError }) => isError)).toEqual([true, true, false]);
    expect(attempts.map(({ parentId }) => parentId)).toEqual(Array(3).fill(server?.spanId));
    expect(attempts.slice(1).map(({ spanId }) => spanId)).toEqual([second, third]);
    expect(new Set([server, ...attempts].map((span) => span?.spanId)).size).toBe(4);
  });

  it('say where the Host was written anew for another instance', () => {
    const world = recorded(undefined, { handling: { host: 'dst' } });
    world.connectsAtOnce = false;
    world.say(request()).closed(false).connected();
    expect(world.upstream.sent).toContain('Host: 127.0.0.1:8002\r\n');
    expect(told(world.upstream.sent)).toMatch(/^[0-9a-f]{16}$/);
    world.answer(OK);
    expect(world.spans.at(-1)?.spanId).toBe(told(world.upstream.sent));
  });

  it('end with an error when the client leaves, when nobody can be asked, when no answer comes or no whole one', () => {
    const left = recorded();
    left.say(request()).session.gone();
    expect(left.spans.map(({ attributes }) => attributes['error.type'])).toEqual(['aborted', 'aborted']);

    const none = recorded(undefined, { targets: [{ weight: 0 }] });
    none.say(request());
    expect(none.spans).toHaveLength(1);
    expect(none.spans[0]?.attributes).toMatchObject({
      'http.response.status_code': 503,
      'error.type': '503',
    });

    const late = recorded();
    late.say(request()).wait(1e9);
    expect(late.spans.map(({ attributes }) => attributes['error.type'])).toEqual(['504', 'timeout']);

    const strange = recorded();
    strange.say(request()).answer('nonsense\r\n\r\n');
    expect(strange.spans.map(({ attributes }) => attributes['error.type'])).toEqual(['502', 'bad-response']);

    const cut = recorded();
    cut.say(request()).answer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na').closed(false);
    cut.session.gone();
    expect(cut.spans.map(({ attributes }) => attributes['error.type'])).toEqual(['aborted', 'cut']);
  });

  it('end for the instance when its connection does, though the client stays', () => {
    const time = vi.spyOn(performance, 'now').mockReturnValue(100);
    onTestFinished(() => time.mockRestore());
    const world = recorded();
    world.say(request('Connection: upgrade\r\nUpgrade: websocket\r\n'));
    world.answer('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    world.closed(true);
    time.mockReturnValue(250);
    world.session.gone();
    const [server, client] = world.spans;
    expect(server!.end - client!.end).toBeCloseTo(150, 1);
  });

  it('are none of a trace that is not recorded, or where none are asked for', () => {
    const sparse = recorded({ ratio: 1, heedsParent: true });
    sparse.say(request(`traceparent: 00-${ID}-${PARENT}-00\r\n`)).answer(OK);
    expect(sparse.upstream.sent).toMatch(new RegExp(`traceparent: 00-${ID}-[0-9a-f]{16}-00\r\n`));
    expect(sparse.spans).toEqual([]);
    const off = recorded(undefined);
    off.engine.configure({});
    off.say(request(`traceparent: 00-${ID}-${PARENT}-01\r\n`)).answer(OK);
    expect(off.spans).toEqual([]);
    expect(off.upstream.sent).toContain(`traceparent: 00-${ID}-${PARENT}-01\r\n`);
  });

  it('hold only so much of what a client sends', () => {
    const world = recorded();
    world.say(request(`User-Agent: ${'u'.repeat(4_000)}\r\n`, `STRANGE /${'p'.repeat(4_000)}`)).answer(OK);
    expect(world.spans[0]?.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'STRANGE',
    });
    expect(world.spans[0]?.name).toBe('HTTP /');
    for (const { attributes } of world.spans)
      for (const value of Object.values(attributes)) expect(String(value).length).toBeLessThan(1_100);
  });
});
