import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteTable, DEFAULT_TABLE } from '../../route/byte-table.ts';
import { explain } from '../../route/explain.ts';
import { compileHandling, type HandlingSpec, PLAIN_HANDLING } from '../../route/handling.ts';
import type { RouteView } from '../../route/view.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { World } from './fake-transport.ts';

/** Paths of routes; the port of a route's only instance is its index and 1. */
const PATHS = ['/', '/public', '/public/admin', '/admin', '/admin/public/'];

const tableOf = (paths: readonly string[], host = '') =>
  new ByteTable().with(
    paths.map((path, i) => ({
      place: { host, path },
      route: { ...routeTo([targetAt(i + 1)]).route, id: path },
    })),
  );

const TABLE = tableOf(PATHS);

const VIEWS = PATHS.map((path): RouteView => {
  const rest = { service: 's', strategy: 'rr', slot: 1, aliases: [], isInForce: true, targets: [] } as const;
  return { id: path, kind: 'http', host: '', path, handling: PLAIN_HANDLING, ...rest };
});

/** The route that was taken, and the target that its instance is sent. */
function ask(target: string, table = TABLE): { route: string | undefined; sent: string } {
  const world = new World(table).say(`GET ${target} HTTP/1.1\r\nHost: x.test\r\n\r\n`);
  const { upstream } = world;
  return { route: PATHS[upstream.target.port - 1], sent: upstream.sent.split(' ')[1] ?? '' };
}

const routeOf = (path: string) =>
  PATHS.filter((prefix) => path.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];

/** Written apart from what is tested. */
function resolve(path: string): string {
  const plain = path.replace(/%2e/gi, '.').replace(/%2f/gi, '/');
  const parts: string[] = [];
  for (const part of plain.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const isFolder = /\/\.{0,2}$/.test(plain);
  return `/${parts.join('/')}${isFolder && parts.length > 0 ? '/' : ''}`;
}

const part = fc.constantFrom(
  'public',
  'admin',
  'x',
  '...',
  '.x',
  '.',
  '..',
  '',
  '%2e',
  '%2E.',
  '.%2e',
  '%2e%2E',
  '%',
);
const slash = fc.constantFrom('/', '/', '/', '%2f', '%2F');
const anyPath = fc
  .tuple(part, fc.array(fc.tuple(slash, part), { maxLength: 7 }))
  .map(([first, rest]) => `/${first}${rest.map((pair) => pair.join('')).join('')}`);

describe('paths with dots and empty segments', () => {
  it.each([
    ['/public/../admin', '/admin', '/admin'],
    ['/public/%2e%2E/admin?a=/../b', '/admin', '/admin?a=/../b'],
    ['//admin', '/admin', '/admin'],
    ['/../../admin/.', '/admin', '/admin/'],
    ['/public%2f..%2fadmin', '/admin', '/admin'],
    ['/admin/../public?', '/public', '/public?'],
    ['/public/x/..', '/public', '/public/'],
    ['http://x.test//admin/./a?q', '/admin', '/admin/a?q'],
    ['/public/.well-known/a%2eb%2Fc?..//', '/public', '/public/.well-known/a%2eb%2Fc?..//'],
    ['/x/..;/admin', '/', '/x/..;/admin'],
    ['/?/../admin', '/', '/?/../admin'],
  ])('%s is for %s, whose instance is sent %s', (target, route, sent) => {
    expect(ask(target)).toEqual({ route, sent });
  });

  it('are left alone where the path has no say', () => {
    expect(ask('/a/../b//c', tableOf(['/'])).sent).toBe('/a/../b//c');
    expect(ask('/a/../b//c', tableOf(['/'], 'x.test').with([])).sent).toBe('/a/../b//c');
    const more = tableOf(PATHS).with([
      { place: { host: 'x.test', path: '/' }, route: routeTo([targetAt(1)]).route },
    ]);
    // A redirect of the host's route may pass the request to those of any host.
    expect(ask('/a/../b//c', more).sent).toBe('/b/c');
  });

  it.each([
    ['/a../admin', '/p/admin'],
    ['/a%2E./admin', '/p/admin'],
    ['/a.', '/p/'],
    ['/a..b/c', '/p/..b/c'],
    ['/a...', '/p/...'],
    ['/a/b', '/p/b'],
  ])('%s behind a prefix that is replaced is sent as %s', (target, sent) => {
    const { route } = routeTo([targetAt(1)]);
    const handling = compileHandling({ ...PLAIN_HANDLING, strip: '/a', prepend: '/p' });
    const table = new ByteTable().with([{ place: { host: '', path: '/a' }, route: { ...route, handling } }]);
    expect(ask(target, table).sent).toBe(sent);
  });

  it('get the route of the resolved path, whatever the instance makes of what it is sent', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const { route, sent } = ask(path);
        expect(route).toBe(routeOf(resolve(path)));
        expect(explain(VIEWS, { host: 'x.test', path }, DEFAULT_TABLE).route?.id).toBe(route);
        // As it stands, decoded, with dots resolved alone, with slashes joined too.
        const readings = [decoded(sent), new URL(`http://h${sent}`).pathname, resolve(sent)];
        for (const reading of readings) expect(routeOf(decoded(reading))).toBe(route);
        expect(ask(sent)).toEqual({ route, sent });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a target without a path', () => {
  it.each([
    ['GET http://x.test', 'GET /'],
    ['GET http://x.test:80', 'GET /'],
    ['GET http://x.test?q=/../admin', 'GET /?q=/../admin'],
    ['OPTIONS http://x.test', 'OPTIONS *'],
    ['OPTIONS http://x.test?q', 'OPTIONS /?q'],
    ['OPTIONS *', 'OPTIONS *'],
  ])('%s gets the route of "/", whose instance is sent %s', (start, sent) => {
    for (const table of [TABLE, tableOf(['/']), tableOf(PATHS, 'x.test')]) {
      const world = new World(table).say(`${start} HTTP/1.1\r\nHost: x.test\r\nA: b\r\n\r\n`);
      expect(world.received).toBe('');
      expect(world.upstream.target.port).toBe(1);
      const host = start.includes(':80') ? 'x.test:80' : 'x.test';
      expect(world.upstream.sent.split(' HTTP/1.1\r\n')[0]).toBe(sent);
      expect(world.upstream.sent).toContain(`\r\nHost: ${host}\r\n`);
      expect(world.upstream.sent).toContain('\r\nA: b\r\n');
    }
  });

  it('gets the route of no other path', () => {
    for (const start of ['GET http://x.test', 'OPTIONS *', 'GET http://x.test?/admin'])
      expect(
        new World(tableOf(['/admin'])).say(`${start} HTTP/1.1\r\nHost: x.test\r\n\r\n`).received,
      ).toMatch(/^HTTP\/1.1 404 /);
  });

  it('is "/" for what a route does to paths, and for redirects', () => {
    const { route } = routeTo([targetAt(1)]);
    const ask = (start: string, more: Partial<HandlingSpec>) => {
      const handling = compileHandling({ ...PLAIN_HANDLING, ...more });
      const special = handling.guarded;
      const table = new ByteTable().with([
        { place: { host: '', path: '/' }, route: { ...route, handling, special } },
      ]);
      return new World(table).say(`${start} HTTP/1.1\r\nHost: x.test\r\n\r\n`);
    };
    expect(ask('GET http://x.test?q', { prepend: '/v1' }).upstream.sent).toMatch(/^GET \/v1\/\?q HTTP/);
    expect(ask('OPTIONS *', { prepend: '/v1' }).upstream.sent).toMatch(/^OPTIONS \* HTTP/);
    const redirect = { code: 301, url: 'https://y.test$path' };
    for (const start of ['GET http://x.test', 'OPTIONS *'])
      expect(ask(start, { redirect }).received).toContain('\r\nLocation: https://y.test/\r\n');
  });
});

const decoded = (path: string) => path.replace(/%2e/gi, '.').replace(/%2f/gi, '/');
