import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { addressRange } from '../lib/ip.ts';
import { createLogger } from '../lib/log.ts';
import { decodeBody, object, string } from './decode.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { bytes, empty, json, taken, text } from './reply.ts';
import { tokenOf } from './request.ts';
import { type Api, type ApiOptions, startApi } from './server.ts';
import { testContext } from './test-context.ts';

let api: Api | undefined;
afterEach(async () => {
  await api?.stop();
  api = undefined;
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

async function start(
  endpoints?: readonly Endpoint[],
  settings = {},
  more: Partial<ApiOptions> = {},
): Promise<Api> {
  const { context } = testContext(settings);
  api = await startApi({ context, host: '127.0.0.1', port: 0, ...(endpoints ? { endpoints } : {}), ...more });
  return api;
}

/** Sends the path as it is written, which `fetch` would not. */
function ask(
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
  }: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port: api?.address.port, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const all = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: all,
            text: String(all),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const BODY = object({ Name: string });
const table: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/v1/thing/:name',
    summary: 'a thing',
    handler: (_, { params }) => json({ name: params.name }),
  }),
  endpoint({ method: 'PUT', path: '/v1/thing/:name', summary: 'put', handler: () => empty() }),
  endpoint({
    method: 'GET',
    path: '/v1/thing/:name/part',
    summary: 'part of a thing',
    handler: (_, { params }) => json({ part: params.name }),
  }),
  endpoint({ method: 'GET', path: '/v1/large', summary: '', handler: () => text('a'.repeat(5000)) }),
  endpoint({
    method: 'PUT',
    path: '/v1/body',
    summary: 'takes a body',
    body: BODY,
    handler: async (_, request) => json(await decodeBody(request, BODY, { limit: 100 })),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/stream',
    summary: 'writes itself',
    handler: () =>
      taken((response) => {
        response.setHeader('Content-Type', 'text/event-stream');
        response.write('data: 1\n\n');
        response.end();
      }),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/waits',
    summary: 'until the client goes or the server stops',
    handler: async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return json('over');
    },
  }),
  endpoint({
    method: 'GET',
    path: '/v1/throws',
    summary: 'breaks',
    handler: () => {
      throw new TypeError('secret');
    },
  }),
  endpoint({ method: 'GET', path: '/v1/token', summary: '', handler: (_, { token }) => json(token) }),
];

describe('routing', () => {
  it.each([
    ['/v1/nope', 404],
    ['/v1/large/', 404],
    ['/v1/thing/a%00b', 400],
    ['/v1/thing/a%0Ab', 400],
    ['/v1/thing/%zz', 400],
    ['/v1/large?a=%zz', 500],
  ])('%s is %d', async (path, status) => {
    await start(table);
    expect((await ask(path)).status).toBe(status);
  });

  it('the last parameter takes the rest of the path, a longer pattern goes first', async () => {
    await start(table);
    expect(JSON.parse((await ask('/v1/thing/a%2Fb/c')).text)).toEqual({ name: 'a/b/c' });
    expect(JSON.parse((await ask('/v1/thing/x/part')).text)).toEqual({ part: 'x' });
    expect(JSON.parse((await ask('/v1/thing/')).text)).toEqual({ name: '' });
  });

  it.each([
    ['/v1/thing', '/v1/thing/'],
    ['/v1/thing?a=b', '/v1/thing/?a=b'],
    ['//v1/large', '/v1/large'],
    ['/v1/thing/../large', '/v1/large'],
    ['/v1/thing/a%2F%2Fb%3F', '/v1/thing/a/b%3F'],
  ])('%s moved to %s', async (path, location) => {
    await start(table);
    const answer = await ask(path);
    expect([answer.status, answer.headers.location]).toEqual([301, location]);
  });

  it('names the methods of a path', async () => {
    await start(table);
    const refused = await ask('/v1/thing/x', { method: 'DELETE' });
    expect([refused.status, refused.text, refused.headers.allow]).toEqual([
      405,
      'method DELETE not allowed',
      'OPTIONS,GET,PUT',
    ]);
    const options = await ask('/v1/thing/x', { method: 'OPTIONS' });
    expect([options.status, options.text, options.headers.allow]).toEqual([200, '', 'OPTIONS,GET,PUT']);
  });

  it.each([
    [[], 200],
    [['127.0.0.0/8'], 200],
    [['10.0.0.0/8', '127.0.0.1'], 200],
    [['10.0.0.0/8', 'fe80::/10'], 403],
  ])(
    'with writes from %j alone, one from 127.0.0.1 is answered %i, and a read always',
    async (from, status) => {
      await start(table, { writersFrom: from.flatMap((text) => addressRange(text) ?? []) });
      const put = await ask('/v1/thing/x', { method: 'PUT' });
      expect(put.status).toBe(status);
      if (status === 403) expect(put.text).toBe('Access is restricted');
      expect((await ask('/v1/thing/x')).status).toBe(200);
      expect((await ask('/v1/thing/x', { method: 'OPTIONS' })).status).toBe(200);
    },
  );

  it('blocks what the configuration blocks, and adds its headers also to a 404', async () => {
    await start(table, { blockEndpoints: ['/v1/th'], responseHeaders: { 'X-Own': 'yes' } });
    expect((await ask('/v1/thing/x')).status).toBe(403);
    expect((await ask('/v1/nope')).headers['x-own']).toBe('yes');
  });
});

describe('answers', () => {
  it('indents with ?pretty, compresses what is large where that is accepted', async () => {
    await start(table);
    expect((await ask('/v1/thing/x?pretty')).text).toBe('{\n    "name": "x"\n}\n');
    expect((await ask('/v1/thing/x')).text).toBe('{"name":"x"}');
    const gzip = await ask('/v1/large', { headers: { 'Accept-Encoding': 'gzip' } });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect((await ask('/v1/large', { headers: { 'Accept-Encoding': 'gzip;q=0' } })).text).toBe(
      'a'.repeat(5000),
    );
  });

  it('a handler may write the response itself', async () => {
    await start(table);
    const answer = await ask('/v1/stream');
    expect([answer.headers['content-type'], answer.text]).toEqual(['text/event-stream', 'data: 1\n\n']);
  });

  it('what broke inside is not told to the client', async () => {
    await start(table);
    const answer = await ask('/v1/throws');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
  });

  it.each([
    [{ 'X-Consul-Token': 'a' }, '', 'a'],
    [{ Authorization: 'Bearer b' }, '', 'b'],
    [{ Authorization: 'bearer   b  ' }, '', 'b'],
    [{ Authorization: 'Bearerb' }, '', ''],
    [{ 'X-Consul-Token': 'a' }, '?token=q', 'q'],
    [{}, '', ''],
  ] as [Record<string, string>, string, string][])(
    'reads the token from %j %s',
    async (headers, search, token) => {
      await start(table);
      expect(JSON.parse((await ask(`/v1/token${search}`, { headers })).text)).toBe(token);
    },
  );
});

it('looks for a token in time that grows with the header', () => {
  // Would take hours if it were looked at from each place anew.
  expect(tokenOf({ authorization: `Bearer ${'\xa0'.repeat(4_000_000)}` }, '')).toBe('');
});

describe('bodies', () => {
  it.each([
    ['', 'Request decode failed: EOF'],
    ['{', 'Request decode failed: unexpected EOF'],
    ['{"Nam":1}', 'Request decode failed: json: unknown field "Nam"'],
  ])('%j is refused in words', async (body, words) => {
    await start(table);
    const answer = await ask('/v1/body', { method: 'PUT', body });
    expect([answer.status, answer.text]).toEqual([400, words]);
  });

  it('a long body is read as it was sent, announced or not', async () => {
    const echo = endpoint({
      method: 'PUT',
      path: '/v1/echo',
      summary: '',
      handler: async (_, request) => bytes(await request.body({ limit: 5_000_000 }), 'application/gzip'),
    });
    await start([echo]);
    const body = Array.from({ length: 300_000 }, (_, number) => number.toString(36)).join(' ');
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const answer = await ask('/v1/echo', { method: 'PUT', body, headers });
      expect(answer.status).toBe(200);
      expect(answer.text === body).toBe(true);
    }
  });

  it('too large a body is 413, announced or not', async () => {
    await start(table);
    const body = JSON.stringify({ Name: 'a'.repeat(1_000_000) });
    expect((await ask('/v1/body', { method: 'PUT', body })).status).toBe(413);
    const chunked = { 'Transfer-Encoding': 'chunked' };
    expect((await ask('/v1/body', { method: 'PUT', body, headers: chunked })).status).toBe(413);
  });
});

describe('heads', () => {
  it('too large a head is 431', async () => {
    await start(table);
    const path = (bytes: number) => `/v1/thing/${'x'.repeat(bytes)}`;
    expect((await ask(path(60_000))).status).toBe(200);
    expect((await ask(path(66_000))).status).toBe(431);
  });

  it('a head that does not come is 408, and the connection is closed', async () => {
    const { address } = await start(table, {}, { headersTimeout: 100 });
    const socket = connect(address.port, '127.0.0.1');
    socket.write('GET /v1/thing/x HTTP/1.1\r\nHost: a');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('stopping', () => {
  it('ends requests that wait, twice is once', async () => {
    const running = await start(table);
    const waiting = ask('/v1/waits');
    // A second request is answered only after the first was taken up.
    await ask('/v1/thing/x');
    const stopped = running.stop();
    expect(running.stop()).toBe(stopped);
    await stopped;
    expect(JSON.parse((await waiting).text)).toBe('over');
  });

  it('a port in use is said so', async () => {
    const running = await start(table);
    const { context } = testContext();
    await expect(startApi({ context, ...running.address })).rejects.toMatchObject({ code: 'listen.in_use' });
  });

  it('a client that sends rubbish is refused and the server goes on', async () => {
    const running = await start(table);
    const socket = connect(running.address.port, '127.0.0.1');
    socket.end('rubbish\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(String(Buffer.concat(chunks))).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask('/v1/thing/x')).status).toBe(200);
  });
});

it('a header says what a client named, whatever it is', async () => {
  // Once the connection was cut: Node refuses such values.
  const reason = 'a\r\nX-Other: 1 \u2028 \u{1f642} \0 é';
  await start([
    endpoint({
      method: 'GET',
      path: '/v1/reason',
      needs: 'nothing',
      summary: '',
      handler: () => empty(404, { headers: { 'X-Reason': reason } }),
    }),
  ]);
  const { status, headers } = await ask('/v1/reason');
  expect(status).toBe(404);
  expect(headers['x-other']).toBeUndefined();
  expect(Buffer.from(String(headers['x-reason']), 'latin1').toString()).toBe(
    'a  X-Other: 1 \u2028 \u{1f642}   é',
  );
});

it('a client that goes away in the middle of a body is no failure of ours', async () => {
  const lines: string[] = [];
  const { context } = testContext();
  const noted = createLogger({ level: 'error', sink: ({ message }) => lines.push(message) });
  let refused: Promise<unknown> | undefined;
  const taking = endpoint({
    method: 'PUT',
    path: '/v1/take',
    needs: 'nothing',
    summary: '',
    handler: async (_, request) => {
      refused = request.body();
      socket.destroy();
      await refused;
      return empty(200);
    },
  });
  api = await startApi({
    context: { ...context, logger: noted },
    host: '127.0.0.1',
    port: 0,
    endpoints: [taking],
  });
  const socket = connect(api.address.port, '127.0.0.1');
  socket.write('PUT /v1/take HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc');
  await new Promise((resolve) => socket.once('close', resolve));
  await expect(refused).rejects.toMatchObject({ status: 400 });
  await api.stop();
  expect(lines).toEqual([]);
});

it('the whole table makes an OpenAPI document', async () => {
  await start();
  const document = JSON.parse((await ask('/v1/muster/openapi.json')).text) as {
    openapi: string;
    paths: Record<string, unknown>;
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.paths['/v1/status/leader']).toHaveProperty('get.summary');
});

it('a connection that never asked anything does not hold up the stop', async () => {
  // The grace of the stop never runs out on this clock: without the cut the test would hang.
  const { context } = testContext({}, { clock: new ManualClock() });
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
  const socket = connect(api.address.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  // An answered request on another connection: the server has seen the silent one by then.
  await ask('/v1/status/leader');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await api.stop();
  await closed;
});
