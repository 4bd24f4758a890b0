import { afterEach, expect, it } from 'vitest';
import { register } from '../catalog/commands/register.ts';
import { checkRow, NODE, serviceRow } from '../catalog/rows.test-support.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { silentLogger } from '../lib/log.ts';
import { SLOTS } from '../proxy/counters.ts';
import { type Router, startRouter } from '../route/router.ts';
import { openMemoryStore } from '../store/memory.ts';
import { type ExplainParts, explain } from './explain.ts';

let router: Router | undefined;
afterEach(() => router?.stop());

const ENTRANCES: ExplainParts['entrances'] = [
  { address: '127.0.0.1:9999', protocol: 'http' },
  { address: '127.0.0.1:9443', protocol: 'https' },
  { address: '127.0.0.1:9444', protocol: 'https+tcp+sni' },
  { address: '127.0.0.1:9445', protocol: 'tcp+sni' },
  { address: '127.0.0.1:5432', protocol: 'tcp' },
];

/** Explains `url` where `web`, passing on two instances, has `tags`. Each step as "✗ kind title", and the reason of the last. */
async function explained(url: string, tags: string[], more: Partial<ExplainParts> = {}) {
  const { write, catalog } = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  for (const [id, port] of [
    ['a', 8000],
    ['b', 8001],
  ] as const)
    await write((tx) =>
      register(tx, {
        node: { ...NODE, name: 'n1' },
        service: { ...serviceRow(id, 'web', tags), port },
        checks: [{ ...checkRow(`c-${id}`, id), name: 'alive', status: 'passing', type: 'http' }],
      }),
    );
  router = startRouter({
    discover: (listener, concerns) => followCatalog({ catalog, concerns }, listener),
    publish: () => {},
    slots: { capacity: SLOTS },
    log: silentLogger,
    whenNoneHealthy: 'unavailable',
  });
  const parts = { catalog, router, entrances: ENTRANCES, settings: {}, ejections: [], ...more };
  const { steps, route } = explain(new URL(url), parts);
  return {
    route,
    steps: steps.map(({ taken, kind, title }) => `${taken ? '' : '✗ '}${kind} ${title}`),
    reasons: steps.map(({ reason }) => reason).join('\n'),
  };
}

const BOTH = ['candidate a at 10.0.0.1:8000', 'candidate b at 10.0.0.1:8001'];

it('tells of a route whose scheme of passwords is unknown that everybody hears 401: instances were said to get requests', async () => {
  const tags = ['urlprefix-/safe auth=staff'];
  const url = 'http://any.test:9999/safe';
  expect((await explained('http://any.test/safe', tags)).steps.slice(2)).toEqual(['end 401']);
  const settings = { auth: { staff: { realm: 'staff', users: {} } } };
  expect((await explained(url, tags, { settings })).steps.slice(2)).toEqual(BOTH);
});

it('tells of a redirect that the client is sent away: instances were said to get requests', async () => {
  const { steps, reasons } = await explained('http://any.test/old', [
    'urlprefix-/old redirect=301,https://new.test$path',
  ]);
  expect(steps.slice(2)).toEqual(['end 301']);
  expect(reasons).toContain('the client is sent to https://new.test$path');
});

it('counts instances that are all ejected as those that are tried: it said 503', async () => {
  const ejectionOf = (id: string) => ({
    id,
    host: '10.0.0.1',
    port: 8000,
    slot: 3,
    why: 'refused',
    since: 5,
  });
  const one = await explained('http://any.test/x', ['urlprefix-/x'], { ejections: [ejectionOf('n1/a')] });
  expect(one.steps.slice(2)).toEqual([BOTH[1], `✗ ${BOTH[0]}`]);
  const ejections = ['n1/a', 'n1/b'].map(ejectionOf);
  const all = await explained('http://any.test/x', ['urlprefix-/x'], { ejections });
  expect(all.steps.slice(2)).toEqual(BOTH);
  expect(all.reasons).toContain('ejected: refused; tried all the same');
});

it.each([
  ['https://db.test:9444/x', ['urlprefix-db.test/ proto=tcp']],
  ['https://db.test:9445/x', ['urlprefix-db.test/ proto=tcp']],
  ['https://web.test:9445/', ['urlprefix-web.test/']],
  ['http://any.test:5432/', ['urlprefix-:5432 proto=tcp']],
])('knows that connections to %s are passed on: it sent a request somewhere', async (url, tags) => {
  const { route, steps, reasons } = await explained(url, tags);
  expect(route).not.toBeNull();
  expect(steps.slice(2)).toEqual(BOTH);
  expect(reasons).toMatch(/^passes .*connections .*as they are/);
});

it.each([
  ['https://any.test:9999/x', 'end closed', 'ask with http://'],
  ['http://any.test:9443/x', 'end closed', 'ask with https://'],
  ['https://other.test:9445/x', 'end closed', 'no route has this one'],
  ['http://any.test:5432/', 'end closed', 'no TCP route has its port'],
  ['http://any.test:1234/x', 'end refused', 'no listener has the port 1234'],
])('knows that %s comes to nothing: a listener was said to take it', async (url, step, reason) => {
  const { steps, reasons } = await explained(url, ['urlprefix-/x']);
  expect(steps).toEqual([step]);
  expect(reasons).toContain(reason);
});

it('takes requests over TLS where TLS ends, and those at the usual ports from what stands in front', async () => {
  for (const url of ['https://any.test:9443/x', 'https://any.test:9444/x'])
    expect(
      (await explained(url, ['urlprefix-any.test:9443/x', 'urlprefix-any.test:9444/x'])).steps.slice(2),
    ).toEqual(BOTH);
  expect((await explained('https://any.test/x', ['urlprefix-/x'])).steps[0]).toBe(
    'listener 127.0.0.1:9999, 127.0.0.1:9443, 127.0.0.1:9444',
  );
});

it('ends with the status that the configuration has for no route: it was always 404', async () => {
  expect((await explained('http://any.test/', ['urlprefix-/x'])).steps.at(-1)).toBe('end 404');
  const settings = { noRoute: { status: 421 } };
  expect((await explained('http://any.test/', ['urlprefix-/x'], { settings })).steps.at(-1)).toBe('end 421');
});
