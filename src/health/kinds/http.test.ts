import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { http } from './http.ts';
import { CERTIFICATE, KEY } from './test-certificate.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function start(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => start(createServer(listener));

function probe(url: string, fields: Partial<CheckSpec> = {}, outputMaxSize = 4096) {
  const spec = { ...EMPTY_SPEC, http: url, interval: 1000, timeout: 5000, ...fields };
  return http.probe(spec, { signal: new AbortController().signal, outputMaxSize });
}

describe('http check', () => {
  it.each([
    [200, 'passing', 'OK'],
    [204, 'passing', 'No Content'],
    [299, 'passing', ''],
    [304, 'critical', 'Not Modified'],
    [404, 'critical', 'Not Found'],
    [429, 'warning', 'Too Many Requests'],
    [503, 'critical', 'Service Unavailable'],
  ])('%d is %s', async (code, status, reason) => {
    const port = await serve((_request, response) => response.writeHead(code, reason).end());
    const url = `http://127.0.0.1:${port}/health`;
    const line = `${code} ${reason}`.trim();
    expect(await probe(url)).toEqual({ status, output: `HTTP GET ${url}: ${line} Output: ` });
  });

  it('says so when a server that is asked over TLS answers without it', async () => {
    const port = await serve((_request, response) => response.end('OK'));
    const url = `https://127.0.0.1:${port}/health`;
    expect(await probe(url)).toEqual({
      status: 'critical',
      output: `Get "${url}": http: server gave HTTP response to HTTPS client`,
    });
  });

  it('asks an IPv4 address in brackets, as fabio registers itself', async () => {
    const port = await serve((_request, response) => response.end('OK'));
    const url = `http://[127.0.0.1]:${port}/health`;
    expect(await probe(url)).toEqual({ status: 'passing', output: `HTTP GET ${url}: 200 OK Output: OK` });
  });

  it('sends method, headers and body, and closes the connection', async () => {
    let seen: IncomingMessage | undefined;
    let body = '';
    const port = await serve((request, response) => {
      seen = request;
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => response.end('well'));
    });
    const outcome = await probe(`http://127.0.0.1:${port}/p?x=1`, {
      method: 'POST',
      header: { 'X-Probe': ['a', 'b'], Host: ['web.example'] },
      body: 'ping',
    });
    expect(outcome.output).toBe(`HTTP POST http://127.0.0.1:${port}/p?x=1: 200 OK Output: well`);
    expect(seen?.method).toBe('POST');
    expect(seen?.url).toBe('/p?x=1');
    expect(body).toBe('ping');
    expect(seen?.headers).toMatchObject({
      'x-probe': 'a, b',
      host: 'web.example',
      'user-agent': 'Consul Health Check',
      accept: 'text/plain, text/*, */*',
      connection: 'close',
      'content-length': '4',
    });
  });

  it('keeps the end of an output that is too long', async () => {
    const port = await serve((_request, response) => response.end(`${'x'.repeat(100_000)}the end`));
    const { status, output } = await probe(`http://127.0.0.1:${port}/`, {}, 10);
    expect(status).toBe('passing');
    expect(output).toBe(`HTTP GET http://127.0.0.1:${port}/: 200 OK Output: xxxthe end`);
  });

  it('does not read a body without end for ever', async () => {
    const port = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536)));
      };
      response.on('drain', more);
      response.on('error', () => {});
      more();
    });
    const { status } = await probe(`http://127.0.0.1:${port}/`, { timeout: 60_000 });
    expect(status).toBe('passing');
  });

  it('is critical when nobody answers in time', async () => {
    const port = await serve(() => {});
    const { status, output } = await probe(`http://127.0.0.1:${port}/`, { timeout: 50 });
    expect(status).toBe('critical');
    expect(output).toContain('context deadline exceeded');
  });

  it('is critical when the connection is refused', async () => {
    const port = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await probe(`http://127.0.0.1:${port}/`)).toEqual({
      status: 'critical',
      output: `Get "http://127.0.0.1:${port}/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
  });

  it('is critical for what is no URL', async () => {
    expect((await probe('nonsense')).status).toBe('critical');
    expect((await probe('ftp://127.0.0.1/')).output).toContain('unsupported protocol scheme "ftp"');
  });

  it('follows redirects without handing secrets to another host, or not at all', async () => {
    let authorization: string | undefined = 'none asked';
    const there = await serve((request, response) => {
      authorization = request.headers.authorization;
      response.end(`there with ${request.method}`);
    });
    const here = await serve((_request, response) => {
      response.writeHead(302, { Location: `http://127.0.0.1:${there}/` }).end();
    });
    const fields = { method: 'POST', header: { Authorization: ['Bearer secret'] } };
    const followed = await probe(`http://127.0.0.1:${here}/`, fields);
    expect(followed.output).toContain('there with GET');
    expect(authorization).toBeUndefined();
    const stayed = await probe(`http://127.0.0.1:${here}/`, { disableRedirects: true });
    expect(stayed).toMatchObject({ status: 'critical' });
    expect(stayed.output).toContain('302 Found');
  });

  it('gives up on a redirect that leads to itself', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { Location: '/' }).end());
    const { status, output } = await probe(`http://127.0.0.1:${port}/`);
    expect(status).toBe('critical');
    expect(output).toContain('stopped after 10 redirects');
  });

  it('wants a certificate that it can verify, unless told otherwise', async () => {
    let name: string | false | null | undefined;
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_request, response) =>
      response.end('safe'),
    );
    server.on('secureConnection', (socket) => {
      name = socket.servername;
    });
    const url = `https://127.0.0.1:${await start(server)}/`;
    expect((await probe(url)).status).toBe('critical');
    expect((await probe(url, { tlsSkipVerify: true, tlsServerName: 'check.test' })).status).toBe('passing');
    expect(name).toBe('check.test');
  });
});
