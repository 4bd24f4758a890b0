import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteTable, DEFAULT_TABLE } from './byte-table.ts';
import { explain } from './explain.ts';
import { PLAIN, PLAIN_HANDLING } from './handling.ts';
import { type MatcherName, pathKey } from './paths.ts';
import { resolvePath } from './resolve-path.ts';
import type { Route } from './table.ts';
import type { RouteView } from './view.ts';

const balancer = { next: () => undefined };
const route = (id: string): Route => ({
  id,
  service: 's',
  slot: 1,
  handling: PLAIN,
  balancer,
  special: false,
  targets: [],
});

const view = (id: string): RouteView => {
  const slash = id.indexOf('/');
  const [host, path] = [id.slice(0, slash), id.slice(slash)];
  const rest = { service: 's', strategy: 'rr', slot: 1, aliases: [], isInForce: true, targets: [] } as const;
  return { id, kind: 'http', host, path, handling: PLAIN_HANDLING, ...rest };
};

function tableOf(ids: readonly string[], options = DEFAULT_TABLE): ByteTable {
  return new ByteTable(options).with(ids.map((id) => ({ place: view(id), route: route(id) })));
}

/** Host and path lie somewhere inside a larger buffer, as in a request. */
function match(table: ByteTable, host: string, path: string, secure = false): string | undefined {
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`);
  const written = 4 + Buffer.byteLength(path);
  const pathEnd = resolvePath(bytes, 4, written);
  const hostStart = written + ' HTTP/1.1\r\nHost: '.length;
  return table.match(bytes, hostStart, bytes.length - 2, 4, pathEnd, secure)?.id;
}

describe('route table', () => {
  it.each([
    // Paths
    [['p.test/foo'], 'p.test', '/foobar', 'p.test/foo'],
    [['p.test/foo'], 'p.test', '/fo', undefined],
    [['p.test/foo/'], 'p.test', '/foo', undefined],
    [['p.test/', 'p.test/foo', 'p.test/foo/bar'], 'p.test', '/foo/ba', 'p.test/foo'],
    [['p.test/', 'p.test/foo', 'p.test/foo/bar'], 'p.test', '/foo/bar/x', 'p.test/foo/bar'],
    [['p.test/Foo'], 'p.test', '/foo', undefined],
    [['p.test/a/b'], 'p.test', '/a%2Fb/c', 'p.test/a/b'],
    [['p.test/a/b'], 'p.test', '/a%2fb', 'p.test/a/b'],
    [['p.test/a'], 'p.test', '/a%', 'p.test/a'],
    [['p.test/a%z'], 'p.test', '/a%z', 'p.test/a%z'],
    [['p.test/foo*'], 'p.test', '/foobar', undefined],
    [['p.test/café'], 'p.test', '/caf%C3%A9/x', 'p.test/café'],
    // Hosts
    [['www.h.test/'], 'h.test', '/', undefined],
    [['www.h.test/'], 'xwww.h.test', '/', undefined],
    [['m.test/'], 'M.TEST', '/', 'm.test/'],
    [['m.test/'], 'm.test:80', '/', 'm.test/'],
    [['m.test/'], 'm.test:8080', '/', undefined],
    [['m.test:8080/', 'm.test/'], 'm.test:8080', '/', 'm.test:8080/'],
    [['m.test/'], 'm.test.', '/', undefined],
    [['o.test/p', '/p'], 'o.test', '/p', 'o.test/p'],
    [['o.test/p', '/'], 'o.test', '/q', '/'],
    [['o.test/p', '/p'], '', '/p', '/p'],
    [['*.w.test/'], 'x.y.w.test', '/', '*.w.test/'],
    [['*.w.test/'], 'w.test', '/', undefined],
    [['*.w.test/'], 'x.w.test.org', '/', undefined],
    [['*.w.test/'], 'X.W.TEST:80', '/', '*.w.test/'],
    [['*.p.test/', 'www.p.test/'], 'www.p.test', '/', 'www.p.test/'],
    [['*.p.test/', '*.s.p.test/'], 'x.s.p.test', '/', '*.s.p.test/'],
    [['*.s.test/a', '*.test/'], 'x.s.test', '/b', '*.test/'],
    [['q?.test/'], 'q1.test', '/', 'q?.test/'],
    [['q?.test/'], 'q.test', '/', undefined],
    [['n[12].test/'], 'n2.test', '/', 'n[12].test/'],
    [['n[!1-3].test/'], 'n2.test', '/', undefined],
    [['{a,b}.test/'], 'b.test', '/', '{a,b}.test/'],
    [['*/s', '/s'], 'any.test', '/s', '*/s'],
    [['*.wp.test:8080/'], 'x.wp.test:8080', '/', '*.wp.test:8080/'],
    [['*.wp.test:8080/'], 'x.wp.test', '/', undefined],
  ])('%j: %s%s goes to %s', (routes, host, path, expected) => {
    expect(match(tableOf(routes), host, path)).toBe(expected);
  });

  it('knows the route for all paths of a host', () => {
    const table = tableOf(['a.test/', 'a.test/x', 'b.test/x', '*.c.test/', 'd.test:443/', '/']);
    const hosts = ['a.test', 'b.test', 'x.c.test', 'd.test', 'e.test'];
    expect(hosts.map((host) => table.ofHost(host)?.id)).toEqual([
      'a.test/',
      ...hosts.slice(1).map(() => undefined),
    ]);
  });

  it('without globs a pattern is a name like any other', () => {
    const table = tableOf(['*.x.test/', '/'], { ...DEFAULT_TABLE, globs: false });
    expect(match(table, 'a.x.test', '/')).toBe('/');
    expect(match(table, '*.x.test', '/')).toBe('*.x.test/');
  });

  it('with the port of the listener in a route, that one is for its clients alone', () => {
    const table = tableOf(['u.test/', 'u.test:80/', 'v.test:443/']);
    expect(match(table, 'u.test', '/')).toBe('u.test:80/');
    expect(match(table, 'u.test:80', '/')).toBe('u.test:80/');
    expect(match(table, 'u.test', '/', true)).toBe('u.test/');
    expect(match(table, 'u.test:443', '/', true)).toBe('u.test/');
    expect(match(table, 'v.test', '/', true)).toBe('v.test:443/');
    expect(match(table, 'v.test', '/')).toBe(undefined);
    expect(match(table, 'v.test:443', '/')).toBe('v.test:443/');
  });

  it.each([
    [['g.test/foo'], '/foo', 'g.test/foo'],
    [['g.test/foo'], '/foo/bar', undefined],
    [['g.test/a/*/z'], '/a/b/c/z', 'g.test/a/*/z'],
    [['g.test/a/*/z'], '/a/%7A/z', 'g.test/a/*/z'],
    [['g.test/v?/x'], '/v12/x', undefined],
    [['g.test/{cat,dog}/*'], '/dog/1', 'g.test/{cat,dog}/*'],
    [['g.test/*', 'g.test/foo/*'], '/foo/x', 'g.test/foo/*'],
    [['g.test/Foo'], '/foo', undefined],
    [['/*'], '/x/y', '/*'],
  ])('glob: with %j, %s goes to %s', (routes, path, expected) => {
    expect(match(tableOf(routes, { matcher: 'glob', globs: true }), 'g.test', path)).toBe(expected);
  });

  it('iprefix ignores the case of paths', () => {
    const table = tableOf(['i.test/Foo', 'i.test/foo/bar'], { ...DEFAULT_TABLE, matcher: 'iprefix' });
    expect(match(table, 'i.test', '/FOO/BAR')).toBe('i.test/foo/bar');
    expect(match(table, 'i.test', '/fOO/B')).toBe('i.test/Foo');
  });

  it('agrees with reading the routes one by one, through any history of changes', () => {
    const host = fc.constantFrom(
      '',
      'a.test',
      'b.test',
      'a.test:81',
      'a.test:80',
      '*.test:443',
      '*.test',
      '*.b.test',
      '?.test',
      '{a,c}.test',
      '*',
    );
    const path = fc
      .array(fc.constantFrom('a', 'ab', 'B', 'é', '%', '/', '*'), { maxLength: 5 })
      .map((parts) => `/${parts.join('')}`);
    const step = fc.record({ host, path, isSet: fc.boolean() });
    const escaped = path.map((text) =>
      text.replaceAll('b', '%62').replaceAll('é', '%C3%A9').replaceAll('%/', '%2f'),
    );
    const request = fc.record({
      host: fc.constantFrom('a.test', 'A.Test:80', 'b.test', 'x.b.test', 'c.test', 'a.test:81', 'z', ''),
      path: fc.oneof(path, escaped),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 6 }),
        fc.array(request, { minLength: 5, maxLength: 10 }),
        fc.constantFrom<MatcherName>('prefix', 'iprefix', 'glob'),
        fc.boolean(),
        fc.boolean(),
        (history, requests, matcher, globs, secure) => {
          const options = { matcher, globs };
          let table = new ByteTable(options);
          const present = new Map<string, RouteView>();
          for (const batch of history) {
            const before = table;
            const answers = requests.map(({ host, path }) => match(before, host, path, secure));
            const changes = batch.map(({ host, path, isSet }) => {
              const id = `${host}${pathKey(path, matcher)}`;
              if (isSet) present.set(id, view(id));
              else present.delete(id);
              return { place: view(id), route: isSet ? route(id) : undefined };
            });
            table = table.with(changes);
            // The old table goes on answering as before: nobody writes into it.
            expect(requests.map(({ host, path }) => match(before, host, path, secure))).toEqual(answers);
          }
          for (const { host, path } of requests) {
            const expected = explain([...present.values()], { host, path, secure }, options).route?.id;
            expect(match(table, host, path, secure)).toBe(expected);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
