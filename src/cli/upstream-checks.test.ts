import { once } from 'node:events';
import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CERTIFICATE as cert, KEY as key } from '../health/kinds/test-certificate.ts';
import { EMPTY_SPEC } from '../health/spec.ts';
import { parseFlags } from './flags.ts';
import { upstreamChecks } from './upstream-checks.ts';
import { checkFlags, checkOf } from './verbs/lb-check.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function listening(server: Server): Promise<number> {
  server.on('connection', (socket) => undo.push(() => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The status of an upstream whose tag ends in `words`, by the checks that the flags ask for. */
async function statusOf(port: number, words: string, ...flags: string[]): Promise<string> {
  const check = checkOf(parseFlags(checkFlags, flags).flags)!;
  const instance = {
    id: 'a',
    service: 'upstream',
    node: '',
    serviceId: 'a',
    host: '127.0.0.1',
    port,
    tags: [`lb-/ ${words}`],
    meta: null,
    datacenter: '',
    weight: 1,
    out: '',
  };
  const { signal } = new AbortController();
  const kind = upstreamChecks(check).probe(instance)!;
  return (await kind.probe({ ...EMPTY_SPEC, timeout: 5_000 }, { signal, outputMaxSize: 200 })).status;
}

/** gRPC's health protocol: serving, whoever is asked about but "sick". */
function health(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const service = Buffer.concat(chunks).subarray(7).toString();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]));
  });
}

describe('the checks of muster lb', () => {
  it('ask upstreams over TLS by TLS, verified as their traffic is', async () => {
    const server = createHttps({ key, cert }, ({ url }, response) =>
      response.writeHead(url === '/health' ? 200 : 500).end(),
    );
    const port = await listening(server);
    const unverified = 'proto=https tlsskipverify=true';
    expect(await statusOf(port, unverified, '-check-http=/health')).toBe('passing');
    expect(await statusOf(port, unverified, '-check-http=/')).toBe('critical');
    expect(await statusOf(port, 'proto=https', '-check-http=/health')).toBe('critical');
    expect(await statusOf(port, '', '-check-http=/health')).toBe('critical');
  });

  it('ask by gRPC, in clear text and over TLS', async () => {
    const plain = await listening(createServer().on('stream', health) as unknown as Server);
    expect(await statusOf(plain, 'proto=grpc', '-check-grpc=')).toBe('passing');
    expect(await statusOf(plain, 'proto=grpc', '-check-grpc=sick')).toBe('critical');
    const secure = createSecureServer({ key, cert }).on('stream', health);
    const port = await listening(secure as unknown as Server);
    expect(await statusOf(port, 'proto=grpcs tlsskipverify=true', '-check-grpc=web')).toBe('passing');
    expect(await statusOf(port, 'proto=grpcs', '-check-grpc=web')).toBe('critical');
  });

  it('ask at another port where one is named', async () => {
    const open = await listening(createTcp());
    expect(await statusOf(1, '', '-check-tcp', `-check-port=${open}`)).toBe('passing');
    expect(await statusOf(1, '', '-check-tcp')).toBe('critical');
  });
});
