import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { EMPTY_SPEC } from '../spec.ts';
import { docker } from './docker.ts';

/** A piece of output as the engine sends it; stream 1 is standard output, 2 standard error. */
function piece(stream: number, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

const directory = mkdtempSync(join(tmpdir(), 'muster-engine-'));
const servers: Server[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** An engine that answers what it is told to, by "METHOD path". */
async function engine(
  answers: Record<string, RequestListener>,
): Promise<{ calls: string[]; bodies: string[] }> {
  const calls: string[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    if (call === 'GET /_ping') return response.end('OK');
    calls.push(call);
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      const answer = answers[call];
      if (answer === undefined) response.writeHead(404).end('{"message":"no such thing"}');
      else answer(request, response);
    });
  });
  servers.push(server);
  const path = join(mkdtempSync(join(directory, 'e')), 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  vi.stubEnv('DOCKER_HOST', `unix://${path}`);
  return { calls, bodies };
}

const json =
  (value: unknown): RequestListener =>
  (_request, response) =>
    response.end(JSON.stringify(value));

const CREATE = 'POST /containers/web%2F1/exec';
const spec = { ...EMPTY_SPEC, dockerContainerId: 'web/1', args: ['check', '-v'], interval: 1000 };
const probe = (fields: Partial<typeof spec> = {}, signal = new AbortController().signal) =>
  docker.probe({ ...spec, ...fields }, { signal, outputMaxSize: 12 });

describe('docker check', () => {
  it('creates, starts and inspects an exec', async () => {
    const { calls, bodies } = await engine({
      [CREATE]: json({ Id: 'e1' }),
      'POST /exec/e1/start': (_request, response) =>
        response.end(Buffer.concat([piece(1, 'out, '), piece(2, 'and error')])),
      'GET /exec/e1/json': json({ Running: false, ExitCode: 1 }),
    });
    expect(await probe()).toEqual({
      status: 'warning',
      output: 'Captured 12 of 14 bytes\n...\nt, and error',
    });
    expect(calls).toEqual([CREATE, 'POST /exec/e1/start', 'GET /exec/e1/json']);
    expect(JSON.parse(bodies[0] as string)).toEqual({
      AttachStdout: true,
      AttachStderr: true,
      Cmd: ['check', '-v'],
    });
  });

  it('waits for a command that has closed its outputs and still runs', async () => {
    let looks = 0;
    await engine({
      [CREATE]: json({ Id: 'e1' }),
      'POST /exec/e1/start': (_request, response) => response.end(),
      'GET /exec/e1/json': (_request, response) =>
        response.end(JSON.stringify({ Running: looks++ === 0, ExitCode: looks === 2 ? 0 : null })),
    });
    expect((await probe()).status).toBe('passing');
    expect(looks).toBe(2);
  });

  it("tells the engine's refusal", async () => {
    await engine({
      [CREATE]: (_request, response) =>
        response.writeHead(409).end('{"message":"Container web is not running"}'),
    });
    expect(await probe()).toEqual({ status: 'critical', output: 'Container web is not running' });
    await engine({ [CREATE]: (_request, response) => response.writeHead(500).end('oops') });
    expect((await probe()).output).toBe('the engine answered with status 500');
    await engine({ [CREATE]: json({}) });
    expect((await probe()).output).toBe('the engine did not name its exec');
    await engine({ [CREATE]: json([]) });
    expect((await probe()).output).toBe('the engine did not answer with a JSON object');
    await engine({ [CREATE]: (_request, response) => response.end('"') });
    expect((await probe()).output).toBe('the engine did not answer with JSON');
  });

  it('is critical when there is no engine', async () => {
    vi.stubEnv('DOCKER_HOST', `unix://${join(directory, 'nobody')}`);
    const { status, output } = await probe();
    expect(status).toBe('critical');
    expect(output).toContain('ENOENT');
    vi.stubEnv('DOCKER_HOST', 'ssh://x');
    expect((await probe()).output).toContain('write unix:///path/to/the.sock or tcp://host:port');
  });

  it('starts no second command while the one that took too long goes on', async () => {
    let running = true;
    const { calls } = await engine({
      [CREATE]: json({ Id: 'e1' }),
      'POST /exec/e1/start': (_request, response) => {
        response.write(piece(1, 'so far'));
        if (!running) response.end();
      },
      'GET /exec/e1/json': (_request, response) =>
        response.end(JSON.stringify({ Running: running, ExitCode: running ? null : 0 })),
    });
    const same = { ...spec, timeout: 500 };
    const again = () => docker.probe(same, { signal: new AbortController().signal, outputMaxSize: 4096 });
    expect((await again()).output).toBe('Timed out (500ms) running check\n\nso far');
    expect(await again()).toEqual({ status: 'critical', output: 'the run before has not ended yet' });
    expect(calls.filter((call) => call === CREATE)).toHaveLength(1);
    running = false;
    expect(await again()).toEqual({ status: 'passing', output: 'so far' });
  });

  it('ends when it is taken away', async () => {
    await engine({ [CREATE]: () => {} });
    const end = new AbortController();
    const going = probe({}, end.signal);
    end.abort();
    expect((await going).status).toBe('critical');
  });
});
