import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { empty, json, taken, text } from '../reply.ts';
import { type Api, type ApiOptions, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';
import { sends } from './plain-connection.ts';

let api: Api;
const open = new Set<Socket>();
afterEach(async () => {
  for (const socket of open) socket.destroy();
  open.clear();
  await api.stop();
});

/** Once the server has begun to send a long answer. */
let answered: { large: Promise<void> };
/** What a handler waits for, and hears. */
let held: { go: () => void; gone: Promise<void>; came: Promise<void> };
let asked = 0;
/** Requests whose handlers have run. */
const done: string[] = [];

function table(): Endpoint[] {
  asked = 0;
  done.length = 0;
  let came = () => {};
  let over = () => {};
  let go = () => {};
  const waits = new Promise<void>((resolve) => (go = resolve));
  held = {
    go: () => go(),
    came: new Promise((resolve) => (came = resolve)),
    gone: new Promise((resolve) => (over = resolve)),
  };
  let large = () => {};
  answered = { large: new Promise((resolve) => (large = resolve)) };
  const row = { needs: 'nothing', summary: '' } as const;
  return [
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/at-once',
      handler: () => {
        done.push('at once');
        return json('at once');
      },
    }),
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/held',
      handler: async (_, request) => {
        request.whenGone(over);
        came();
        await waits;
        return json('held');
      },
    }),
    endpoint({
      ...row,
      method: 'PUT',
      path: '/v1/body',
      handler: async (_, request) => {
        const body = String(await request.body({ limit: 100_000 }));
        done.push(body);
        return json(body);
      },
    }),
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/named/:name',
      handler: (_, { params }) => json(params.name),
    }),
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/large',
      handler: () => {
        setImmediate(() => large());
        return text('x'.repeat(8_000_000));
      },
    }),
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/odd',
      handler: () => empty(404, { headers: { 'X-Odd': 'a\r\nb' } }),
    }),
    endpoint({
      ...row,
      method: 'GET',
      path: '/v1/stream',
      handler: () => {
        asked++;
        return taken((response) => {
          response.setHeader('Content-Type', 'text/event-stream');
          response.end('data: 1\n\n');
        });
      },
    }),
  ];
}

async function start(more: Partial<ApiOptions> = {}): Promise<void> {
  const { context } = testContext();
  api = await startApi({ context, host: '127.0.0.1', port: 0, endpoints: table(), ...more });
}

class Client {
  readonly socket: Socket;
  #text = '';
  #wake = () => {};

  constructor() {
    this.socket = connect(api.address.port, '127.0.0.1');
    open.add(this.socket);
    this.socket.setEncoding('latin1').on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#text += chunk;
      this.#wake();
    });
  }

  /** Resolves with everything so far once `pattern` was seen. */
  async see(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) await new Promise<void>((resolve) => (this.#wake = resolve));
    const seen = this.#text;
    this.#text = '';
    return seen;
  }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const put = (body: string) =>
  `PUT /v1/body HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe.each(['by itself', 'with others'])('a connection, each of whose answers goes out %s,', (how) => {
  // Where the system has no io_uring it is the same twice.
  beforeAll(() => (how === 'with others' ? sends.prepare() : undefined));

  it('is answered with what Node says too', async () => {
    await start();
    const { socket, see } = { socket: new Client(), see: (client: Client) => client.see(/"$/) };
    socket.socket.write(get('/v1/at-once'));
    const plain = await see(socket);
    // Of another kind: Node's server answers.
    socket.socket.write(get('/v1/at-once', 'Expect: x\r\n').replace('Expect', 'Trailer'));
    const byNode = await see(socket);
    const lines = (text: string) => text.split('\r\n').filter((line) => !line.startsWith('Date'));
    expect(lines(plain)).toEqual(lines(byNode));
    expect(plain).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m);
  });

  it('has its requests answered in their order, however they are cut', async () => {
    await start();
    const all = put('one') + get('/v1/at-once') + put('two') + put('three');
    for (let cut = 1; cut < all.length; cut += 7) {
      const client = new Client();
      client.socket.write(all.slice(0, cut));
      // The kernel has it before the rest comes.
      await new Promise(setImmediate);
      client.socket.write(all.slice(cut));
      const answers = await client.see(/"three"$/);
      expect(answers.match(/"[a-z ]+"/g)).toEqual(['"one"', '"at once"', '"two"', '"three"']);
      client.socket.destroy();
    }
  });

  it('has requests that came together done in their order', async () => {
    await start();
    const client = new Client();
    client.socket.write(put('one') + get('/v1/at-once') + put('two'));
    await client.see(/"two"$/);
    expect(done).toEqual(['one', 'at once', 'two']);
  });

  it('may name the server in its request, and have an address that is not escaped', async () => {
    await start();
    const client = new Client();
    client.socket.write(get(`http://127.0.0.1:${api.address.port}/v1/at-once?x`));
    await client.see(/"at once"$/);
    const other = new Client();
    other.socket.write(get('/v1/named/\xc3\xa4?raw'), 'latin1');
    expect(await other.see(/"$/)).toContain('"\xc3\xa4"');
  });

  it('may ask again before it was answered', async () => {
    await start();
    const client = new Client();
    client.socket.write(get('/v1/held'));
    await held.came;
    client.socket.write(put('early'));
    client.socket.write(put('earlier'));
    held.go();
    expect((await client.see(/"earlier"$/)).match(/"[a-z]+"/g)).toEqual(['"held"', '"early"', '"earlier"']);
  });

  it('takes bodies of any size, and refuses what is too large', async () => {
    await start();
    for (const size of [0, 1, 60_000, 70_000]) {
      const client = new Client();
      client.socket.write(put('b'.repeat(size)));
      expect(await client.see(/"$/)).toContain(`"${'b'.repeat(size)}"`);
    }
    const client = new Client();
    client.socket.write(put('b'.repeat(100_001)));
    expect(await client.see(/max size/)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('may have its body come behind its head, in one piece or in more, soon or late', async () => {
    await start({ headersTimeout: 200 });
    const whole = put('some body');
    const head = whole.indexOf('some');
    for (const cuts of [[head], [head + 4], [head, head + 4], [head, head + 2, head + 5]]) {
      const client = new Client();
      let at = 0;
      for (const cut of [...cuts, whole.length]) {
        client.socket.write(whole.slice(at, cut));
        at = cut;
        // Answered on another connection: the server has read it by then.
        await fetch(`http://127.0.0.1:${api.address.port}/v1/at-once`);
      }
      await client.see(/"some body"$/);
    }
    // Long enough that Node's server waits for the rest by then, mostly; it makes no difference.
    const client = new Client();
    client.socket.write(whole.slice(0, head));
    const until = performance.now() + 600;
    while (performance.now() < until) await fetch(`http://127.0.0.1:${api.address.port}/v1/at-once`);
    client.socket.write(whole.slice(head) + put('behind'));
    await client.see(/"some body"[\s\S]*"behind"$/);
  });

  it('goes to Node when a handler writes the response itself', async () => {
    await start();
    const client = new Client();
    client.socket.write(get('/v1/at-once'));
    await client.see(/"$/);
    client.socket.write(get('/v1/stream'));
    expect(await client.see(/data: 1/)).toContain('text/event-stream');
    expect(asked).toBe(2);
    client.socket.write(put('behind'));
    await client.see(/"behind"$/);
  });

  it('tells who waits for it that it is gone', async () => {
    await start();
    for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.end()]) {
      const client = new Client();
      client.socket.write(get('/v1/held'));
      await held.came;
      leave(client.socket);
      await held.gone;
    }
  });

  it('whose client does not read is asked for nothing more, and loses nothing', async () => {
    await start();
    const client = new Client();
    client.socket.pause();
    client.socket.write(get('/v1/large'));
    client.socket.write(put('behind'));
    await new Promise(setImmediate);
    client.socket.resume();
    expect((await client.see(/"behind"$/)).length).toBeGreaterThan(8_000_000);
  });

  it('never gets what would end a field', async () => {
    await start();
    const client = new Client();
    client.socket.write(get('/v1/odd'));
    expect(await client.see(/\r\n\r\n/)).toContain('X-Odd: a  b\r\n');
  });

  it('that asks nothing is refused in time', async () => {
    await start({ headersTimeout: 100 });
    const client = new Client();
    expect(await client.see(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 408 /);
    await once(client.socket, 'close');
  });

  it('does not outlive the server, and what is under way on it is answered', async () => {
    await start();
    const [idle, busy] = [new Client(), new Client()];
    idle.socket.write(get('/v1/at-once'));
    await idle.see(/"$/);
    busy.socket.write(get('/v1/held'));
    await held.came;
    const stopped = api.stop();
    await once(idle.socket, 'close');
    held.go();
    expect(await busy.see(/"held"$/)).toContain('Connection: close');
    await stopped;
  });

  it('gets the rest of a long answer from a server that ends, though it reads late', async () => {
    // The time that a server waits for those who do not read never ends.
    await start(testContext({}, { clock: new ManualClock() }));
    const client = new Client();
    client.socket.pause();
    client.socket.write(get('/v1/large'));
    await answered.large;
    const stopped = api.stop();
    let length = 0;
    client.socket.on('data', (chunk: string) => {
      length += chunk.length;
    });
    client.socket.resume();
    await Promise.all([stopped, once(client.socket, 'close')]);
    expect(length).toBeGreaterThan(8_000_000);
  });
});

it('works over a unix socket', async () => {
  const path = `/tmp/muster-plain-${process.pid}-${Date.now()}`;
  const { context } = testContext();
  api = await startApi({ context, path, endpoints: table() });
  const answer = await new Promise<string>((resolve, reject) => {
    request({ socketPath: path, path: '/v1/body', method: 'PUT' }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    })
      .on('error', reject)
      .end('over a path');
  });
  expect(answer).toBe('"over a path"');
});
