import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalog } from '../../catalog/catalog.ts';
import { startFakeAgent } from '../../client/fake-agent.test-support.ts';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { Authority, type Pair } from '../tls/fixtures.ts';
import type { StoreSpec } from '../tls/spec.ts';
import { Collector } from './collector.ts';
import type { SourceOptions } from './kinds.ts';
import { pairUp } from './pairs.ts';

const authority = new Authority();
afterAll(() => authority.remove());
const a = authority.issue({ names: ['a.test'] });
const b = authority.issue({ names: ['b.test'] });

let folder = '';
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-certs-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

const put = (name: string, text: string) => {
  // As tools do that renew certificates: never a half-written file under the name itself.
  writeFileSync(join(folder, 'new'), text);
  renameSync(join(folder, 'new'), join(folder, name));
};
const putPair = (name: string, { cert, key }: Pair) => {
  put(`${name}-key.pem`, key);
  put(`${name}-cert.pem`, cert);
};

/** A collector with all that it tells. */
function collect(sources: readonly SourceOptions[], catalog?: Catalog) {
  const published: StoreSpec[] = [];
  const log: string[] = [];
  const clock = new ManualClock(Date.now());
  const collector = new Collector({
    sources,
    clock,
    log: createLogger({
      level: 'info',
      sink: ({ message, fields }) => log.push(`${message} ${Object.values(fields).join(' ')}`),
    }),
    catalog,
    publish: (store) => published.push(store),
  });
  closers.push(() => collector.stop());
  const names = () => published.at(-1)?.certificates.flatMap((one) => one.names);
  return {
    collector,
    published,
    log,
    clock,
    names,
    /** Lets the sources look again until it holds. */
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (!holds()) clock.advance(1_000);
      }
    },
  };
}

describe('certificates in files', () => {
  it('are read, and read again when they change', async () => {
    putPair('a', a);
    const [cert, key] = [join(folder, 'a-cert.pem'), join(folder, 'a-key.pem')];
    const all = collect([{ kind: 'file', cert, key, refresh: 0 }]);
    await all.until(() => all.names()?.[0] === 'a.test');
    const next = authority.issue({ names: ['next.test'] });
    putPair('a', next);
    await all.until(() => all.names()?.[0] === 'next.test');
    expect(all.published).toHaveLength(2);
  });

  it('stay in use when the file is gone or bad, which is said once', async () => {
    put('a.pem', a.cert + a.key);
    const cert = join(folder, 'a.pem');
    const all = collect([{ kind: 'file', cert, refresh: 0 }]);
    await all.until(() => all.published.length === 1);
    put('a.pem', a.cert);
    await all.until(() => all.collector.problems.length === 1);
    expect(all.collector.problems[0]).toMatch(
      /a\.pem: the private key cannot be read.*the one of before stays in use$/,
    );
    rmSync(cert);
    await all.until(() =>
      all.collector.problems.some((problem) => problem.includes('there is no such file')),
    );
    all.clock.advance(10_000);
    put('a.pem', b.cert + b.key);
    await all.until(() => all.collector.problems.length === 0);
    expect(all.names()).toEqual(['b.test']);
    expect(all.log.filter((line) => line.includes('left out'))).toHaveLength(1);
    expect(
      all.log.filter((line) => line.includes('there is no such file') && line.includes('cannot be read;')),
    ).toHaveLength(1);
  });

  it('bring the OCSP response that stands beside them', async () => {
    put('a.pem', a.cert + a.key);
    const all = collect([{ kind: 'file', cert: join(folder, 'a.pem'), refresh: 0 }]);
    await all.until(() => all.published.length === 1);
    expect(all.published[0]?.certificates[0]?.staple).toBeUndefined();
    put('a.pem.ocsp', 'response');
    await all.until(() => all.published.length === 2);
    expect(String(all.published[1]?.certificates[0]?.staple)).toBe('response');
  });

  it('never show a key in the log', async () => {
    put('a.pem', a.cert.replace('MII', 'XXX') + a.key);
    const all = collect([{ kind: 'file', cert: join(folder, 'a.pem'), refresh: 0 }]);
    await all.until(() => all.collector.problems.length === 1);
    expect(all.log.join('\n')).not.toContain(a.key.split('\n')[1]);
  });
});

describe('certificates in a folder', () => {
  it('come and go with their files; a bad one is told with its place and the others go on', async () => {
    mkdirSync(join(folder, 'more'));
    putPair('a', a);
    put('more/b.pem', b.key + b.cert);
    put('c.pem', 'nothing');
    put('d-cert.pem', a.cert);
    put('.hidden.pem', 'nothing');
    put('notes.txt', 'nothing');
    const all = collect([{ kind: 'path', cert: folder, refresh: 0 }]);
    await all.until(() => all.published.length === 1);
    expect(all.names()).toEqual(['a.test', 'b.test']);
    expect(all.collector.problems).toEqual([
      expect.stringMatching(/c\.pem: no certificate in it/),
      expect.stringMatching(/d-cert\.pem: its key, .*d-key\.pem, is missing/),
    ]);
    rmSync(join(folder, 'a-cert.pem'));
    await all.until(() => all.names()?.length === 1);
    expect(all.names()).toEqual(['b.test']);
    rmSync(join(folder, 'more/b.pem'));
    await all.until(() => all.names()?.length === 0);
  });

  it('bring the authorities of clients', async () => {
    mkdirSync(join(folder, 'clients'));
    put('clients/ca.pem', `${authority.cert}${authority.cert}`);
    put('clients/bad.pem', 'nothing');
    const options = { kind: 'path', cert: folder, clientCa: join(folder, 'clients'), refresh: 0 } as const;
    const all = collect([options]);
    await all.until(() => all.published.length === 1);
    expect(all.published[0]?.clientCa).toHaveLength(1);
    expect(all.collector.problems).toContainEqual(expect.stringMatching(/bad\.pem: no certificate in it/));
  });

  it('wait for all sources before anything is shown, in the order of the sources', async () => {
    put('b.pem', b.cert + b.key);
    mkdirSync(join(folder, 'later'));
    const later = join(folder, 'later');
    const all = collect([
      { kind: 'file', cert: join(folder, 'missing.pem'), refresh: 0 },
      { kind: 'path', cert: later, refresh: 0 },
      { kind: 'file', cert: join(folder, 'b.pem'), refresh: 0 },
    ]);
    await all.until(() => all.published.length === 1);
    expect(all.names()).toEqual(['b.test']);
    put('missing.pem', a.cert + a.key);
    await all.until(() => all.names()?.length === 2);
    expect(all.names()).toEqual(['a.test', 'b.test']);
  });
});

describe('certificates over HTTP', () => {
  it('are those of a list, read again when they change', async () => {
    const files: Record<string, string> = {
      '/c/list': 'a-cert.pem\na-key.pem\n',
      '/c/a-cert.pem': a.cert,
      '/c/a-key.pem': a.key,
    };
    const asked: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      asked.push(request);
      const text = files[request.url!.split('?')[0]!];
      response.statusCode = text === undefined ? 404 : 200;
      response.end(text);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { port } = server.address() as { port: number };
    const cert = `http://ann:o%3Ak@127.0.0.1:${port}/c/list?token=secret`;
    const all = collect([{ kind: 'http', cert, refresh: 0, headers: { 'X-Key': 'k' } }]);
    await all.until(() => all.names()?.[0] === 'a.test');
    files['/c/list'] = 'b.pem\n';
    await all.until(() =>
      all.collector.problems.some((one) => one.includes('/c/b.pem cannot be read: status 404')),
    );
    expect(all.names()).toEqual(['a.test']);
    files['/c/b.pem'] = b.cert + b.key;
    await all.until(() => all.names()?.[0] === 'b.test');
    expect(asked.find(({ url }) => url === '/c/b.pem?token=secret')?.headers).toMatchObject({
      authorization: 'Basic YW5uOm86aw==',
      'x-key': 'k',
    });
    // As fabio's users write them, who find them nowhere otherwise.
    files['/c/list'] = '/a-cert.pem\n/a-key.pem\n';
    await all.until(() => all.names()?.[0] === 'a.test');
    expect(all.log.join()).not.toContain('secret');
  });
});

describe('certificates in a key/value store', () => {
  it('are followed in one that is compatible with Consul', async () => {
    let index = 1;
    let files: Record<string, string> = { 'certs/a-cert.pem': a.cert, 'certs/a-key.pem': a.key };
    const agent = await startFakeAgent(() => ({
      json: Object.entries(files).map(([Key, text]) => ({
        Key,
        Value: Buffer.from(text).toString('base64'),
      })),
      index,
    }));
    closers.push(() => agent.stop());
    const all = collect([
      { kind: 'consul', cert: `http://${agent.address.replace('http://', '')}/v1/kv/certs?token=t` },
    ]);
    await all.until(() => all.names()?.[0] === 'a.test');
    files = { 'certs/b.pem': b.cert + b.key };
    index++;
    await all.until(() => all.names()?.[0] === 'b.test');
  });

  it('are followed in our own, in the tick of the commit', () => {
    const catalog = new Catalog(() => {});
    const write = (index: number, key: string, text: string | undefined) =>
      catalog.apply(index, [
        {
          table: 'kv',
          key,
          row:
            text === undefined
              ? undefined
              : {
                  key,
                  value: Buffer.from(text),
                  flags: 0n,
                  lockIndex: 0,
                  session: '',
                  createIndex: index,
                  modifyIndex: index,
                },
        },
      ]);
    write(1, 'certs/a.pem', a.cert + a.key);
    const all = collect([{ kind: 'kv', cert: 'certs/', clientCa: 'cas/' }], catalog);
    expect(all.names()).toEqual(['a.test']);
    write(2, 'certs/b.pem', b.cert + b.key);
    expect(all.names()).toEqual(['a.test', 'b.test']);
    write(3, 'cas/x', authority.cert);
    expect(all.published.at(-1)?.clientCa).toHaveLength(1);
    write(4, 'certs/a.pem', undefined);
    expect(all.names()).toEqual(['b.test']);
  });
});

it('warns of certificates that end soon or have ended, once a day', async () => {
  const short = authority.issue({ names: ['short.test'], days: 3 });
  put('short.pem', short.cert + short.key);
  const all = collect([{ kind: 'file', cert: join(folder, 'short.pem'), refresh: 0 }]);
  await all.until(() => all.published.length === 1);
  expect(all.log.filter((line) => line.startsWith('a certificate expires soon'))).toHaveLength(1);
  for (let day = 0; day < 3; day++) all.clock.advance(86_400_000);
  expect(all.log.at(-1)).toMatch(/^a certificate has expired .*short\.pem/);
});

it('puts certificates and keys together by name, in the order of the names', () => {
  const texts = ['b.pem', 'a-key.pem', 'a-cert.pem', 'c-key.pem', 'd.txt'].map((place) => ({
    place,
    text: place,
  }));
  const { certificates, strays } = pairUp(texts);
  expect(certificates).toEqual([
    { place: 'a-cert.pem', cert: 'a-cert.pem', key: 'a-key.pem' },
    { place: 'b.pem', cert: 'b.pem' },
  ]);
  expect(strays).toEqual(['c-key.pem: its certificate, c-cert.pem, is missing']);
});
