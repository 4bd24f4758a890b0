import { afterEach, describe, expect, it } from 'vitest';
import { TargetStates } from '../balance/states.ts';
import {
  deregisterCheck,
  deregisterNode,
  deregisterService,
  register,
  updateCheck,
} from '../catalog/commands/register.ts';
import type { CheckStatus } from '../catalog/rows.ts';
import { followCatalog } from '../discovery/catalog.ts';
import type { PassingRule } from '../discovery/passing.ts';
import { createLogger, type LogLine, silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { Compiler } from './compiler.ts';
import { PLAIN_HANDLING } from './handling.ts';
import { type Router, type RouterOptions, startRouter } from './router.ts';
import type { RouteDelta } from './spec.ts';

interface Given {
  id: string;
  tags: string[];
  name?: string;
  node?: string;
  port?: number;
  address?: string;
  weights?: { passing: number; warning: number };
  checks?: CheckStatus[];
}

const open: { router: Router; store: Store }[] = [];
afterEach(async () => {
  for (const { router, store } of open.splice(0)) {
    router.stop();
    await store.close();
  }
});

function start(options: Partial<RouterOptions> = {}, rule?: PassingRule) {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const deltas: RouteDelta[] = [];
  const slots = { capacity: 1000 };
  const { catalog } = store;
  const router = startRouter({
    discover: (listener) => followCatalog(rule === undefined ? { catalog } : { catalog, rule }, listener),
    publish: (delta) => deltas.push(structuredClone(delta)),
    slots,
    log: silentLogger,
    ...options,
  });
  open.push({ router, store });
  const compiler = new Compiler({
    random: () => 0.5,
    turns: new Int32Array(1000),
    states: new TargetStates(),
  });
  let applied = 0;
  /** Who answers a request, of those whose turn it is in `times` requests; what a worker would do. */
  const asked = (host: string, path: string, times = 1): (string | undefined)[] => {
    for (const delta of deltas.slice(applied)) compiler.apply(delta);
    applied = deltas.length;
    const bytes = Buffer.from(host + path);
    const route = compiler.table.match(bytes, 0, host.length, host.length, bytes.length);
    if (route === undefined) return ['no route'];
    return Array.from({ length: times }, () => route.balancer.next([])?.id).sort();
  };
  return { store, router, deltas, asked };
}

const write = async (store: Store, ...all: Given[]) => {
  await store.write((tx) => {
    for (const given of all) {
      const { id, tags, name = 'web', node = `node-${id}`, port = 80, checks = ['passing'] } = given;
      register(tx, {
        node: {
          id: '',
          name: node,
          address: '10.0.0.1',
          datacenter: 'dc1',
          taggedAddresses: null,
          meta: null,
        },
        service: {
          id,
          name,
          kind: '',
          tags,
          address: given.address ?? '127.0.0.1',
          taggedAddresses: null,
          meta: null,
          port,
          socketPath: '',
          weights: given.weights ?? { passing: 1, warning: 1 },
          enableTagOverride: false,
        },
        checks: checks.map((status, i) => check(`c${i}-${id}`, status, id)),
      });
    }
  });
};

const check = (id: string, status: CheckStatus, serviceId: string) => ({
  id,
  name: id,
  status,
  notes: '',
  output: '',
  serviceId,
  type: '',
  interval: '',
  timeout: '',
  definition: {},
});

const commands = (text: string) => [{ name: '', text }];

const nodeCheck = (store: Store, node: string, id: string, status: CheckStatus) =>
  store.write((tx) =>
    register(tx, {
      node: { id: '', name: node, address: '', datacenter: '', taggedAddresses: null, meta: null },
      skipNodeUpdate: true,
      checks: [check(id, status, '')],
    }),
  );

describe('router', () => {
  it('publishes a route in the tick of the commit that brings its instance, with one delta for all of it', async () => {
    const { store, deltas } = start();
    let atCommit = -1;
    store.catalog.feed.subscribe(() => {
      atCommit = deltas.length;
    });
    await write(store, { id: 'a', tags: ['urlprefix-o.test/foo strip=/foo', 'urlprefix-/x', 'v1'] });
    expect(atCommit).toBe(1);
    expect(deltas).toEqual([
      {
        version: 1,
        changed: [
          {
            id: 'o.test/foo',
            service: 'web',
            host: 'o.test',
            path: '/foo',
            kind: 'http',
            handlings: [{ ...PLAIN_HANDLING, strip: '/foo' }],
            strategy: 'rr',
            slot: expect.any(Number),
            targets: [{ id: 'node-a/a', host: '127.0.0.1', port: 80, weight: 1, slot: expect.any(Number) }],
          },
          expect.objectContaining({ id: '/x', host: '', path: '/x', handlings: [PLAIN_HANDLING] }),
        ],
        patched: [],
        removed: [],
      },
    ]);
  });

  it('knows at its start what was registered before', async () => {
    const { store } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    const deltas: RouteDelta[] = [];
    const slots = { capacity: 10 };
    const router = startRouter({
      discover: (listener) => followCatalog({ catalog: store.catalog }, listener),
      publish: (delta) => deltas.push(delta),
      slots,
      log: silentLogger,
    });
    expect(deltas[0]?.changed.map(({ id }) => id)).toEqual(['/']);
    expect(router.snapshot()).toEqual(deltas[0]);
    router.stop();
  });

  it('takes more instances at its start than a call may have arguments', () => {
    const changes = Array.from({ length: 200_000 }, (_, at) => ({
      id: `node/${at}`,
      before: undefined,
      after: undefined,
    }));
    const router = startRouter({
      discover(listener) {
        listener(changes);
        return { instances: () => [].values(), resync() {}, stop() {} };
      },
      publish: () => {},
      slots: { capacity: 10 },
      log: silentLogger,
    });
    expect(router.routes()).toEqual([]);
    router.stop();
  });

  it('says nothing when nothing of it changed: outputs, other services, a check that passes again', async () => {
    const { store, deltas, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    const routes = router.routes();
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'passing', output: 'fine' }));
    await write(store, { id: 'db', name: 'db', tags: ['primary'] });
    await nodeCheck(store, 'node-a', 'disk', 'critical');
    router.resync();
    expect(deltas).toHaveLength(1);
    expect(routes).toHaveLength(1);
  });

  it('follows instances that come, fail, recover and go', async () => {
    const { store, asked, deltas } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] }, { id: 'b', tags: ['urlprefix-/'] });
    expect(asked('h', '/', 4)).toEqual(['node-a/a', 'node-a/a', 'node-b/b', 'node-b/b']);
    await store.write((tx) => updateCheck(tx, 'node-b', 'c0-b', { status: 'critical', output: '' }));
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-a/a']);
    await store.write((tx) => updateCheck(tx, 'node-b', 'c0-b', { status: 'passing', output: '' }));
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-b/b']);
    await store.write((tx) => deregisterService(tx, 'node-a', 'a'));
    expect(asked('h', '/', 2)).toEqual(['node-b/b', 'node-b/b']);
    await store.write((tx) => deregisterNode(tx, 'node-b'));
    expect(asked('h', '/')).toEqual(['no route']);
    expect(deltas.at(-1)).toMatchObject({ changed: [], removed: ['/'] });
  });

  it.each<{ what: string; checks: CheckStatus[]; rule?: PassingRule; isIn: boolean }>([
    { what: 'one passing check is enough', checks: ['passing', 'critical'], isIn: true },
    { what: 'a warning does not pass', checks: ['warning'], isIn: false },
    { what: 'no check at all does not pass', checks: [], isIn: false },
    {
      what: 'with "all" every check must pass',
      checks: ['passing', 'warning'],
      rule: { statuses: ['passing'], checksRequired: 'all' },
      isIn: false,
    },
    {
      what: 'a warning passes where it is said to',
      checks: ['warning'],
      rule: { statuses: ['passing', 'warning'], checksRequired: 'one' },
      isIn: true,
    },
  ])('health: $what', async ({ checks, rule, isIn }) => {
    const { store, asked } = start({}, rule);
    await write(store, { id: 'a', tags: ['urlprefix-/'], checks });
    expect(asked('h', '/')).toEqual([isIn ? 'node-a/a' : 'no route']);
  });

  it.each(['_node_maintenance', 'serfHealth'])('health: node check %s takes the node out', async (id) => {
    const { store, asked, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    await nodeCheck(store, 'node-a', id, 'critical');
    expect(asked('h', '/')).toEqual(['no route']);
    expect(router.explain('h', '/').passedOver[0]?.reason).toMatch(/node-a\/a: .*node/);
    await store.write((tx) => deregisterCheck(tx, 'node-a', id));
    expect(asked('h', '/')).toEqual(['node-a/a']);
  });

  it('health: maintenance of an instance takes it out though its checks pass', async () => {
    const { store, asked } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    await store.write((tx) =>
      register(tx, {
        node: { id: '', name: 'node-a', address: '', datacenter: '', taggedAddresses: null, meta: null },
        skipNodeUpdate: true,
        checks: [check('_service_maintenance:a', 'critical', 'a')],
      }),
    );
    expect(asked('h', '/')).toEqual(['no route']);
  });

  it('the same service ID on two nodes is two instances', async () => {
    const { store, asked } = start();
    await write(
      store,
      { id: 'same', node: 'n1', tags: ['urlprefix-/'] },
      { id: 'same', node: 'n2', tags: ['urlprefix-/'], checks: ['critical'] },
    );
    expect(asked('h', '/', 2)).toEqual(['n1/same', 'n1/same']);
  });

  it('an address of its own comes before that of the node', async () => {
    const { store, deltas } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'], address: '' });
    expect(deltas[0]?.changed[0]?.targets[0]?.host).toBe('10.0.0.1');
  });

  it('shares by the weights of tags, or by those of the registration', async () => {
    const { store, deltas } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/t weight=0.2', 'urlprefix-/r'], weights: { passing: 3, warning: 1 } },
      { id: 'b', tags: ['urlprefix-/t', 'urlprefix-/r'] },
    );
    const weights = deltas[0]?.changed.map(({ id, targets }) => [id, targets.map(({ weight }) => weight)]);
    expect(weights).toEqual([
      ['/t', [0.2, 0.8]],
      ['/r', [3, 1]],
    ]);
  });

  it('services that ask for the same place share it', async () => {
    const { store, asked, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] }, { id: 'b', name: 'api', tags: ['urlprefix-/'] });
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-b/b']);
    expect(router.routes()[0]?.service).toBe('api, web');
    await store.write((tx) => deregisterService(tx, 'node-a', 'a'));
    expect(asked('h', '/', 2)).toEqual(['node-b/b', 'node-b/b']);
    expect(router.routes()[0]?.service).toBe('api');
  });

  it('a bad tag is reported with its place and stops neither its instance nor others', async () => {
    const { store, asked, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-', 'urlprefix-/a weight=much', 'urlprefix-[.test/'] },
      { id: 'b', tags: ['urlprefix-/b', 'urlprefix-:99'], port: 81 },
      { id: 'c', tags: ['urlprefix-/c'], port: 0 },
    );
    expect(asked('h', '/a')).toEqual(['node-a/a']);
    expect(asked('h', '/b')).toEqual(['node-b/b']);
    expect(router.problems().map(({ instance, tag }) => [instance, tag])).toEqual([
      ['node-a/a', 'urlprefix-'],
      ['node-a/a', 'urlprefix-[.test/'],
      ['node-a/a', 'urlprefix-/a weight=much'],
      ['node-b/b', 'urlprefix-:99'],
      ['node-c/c', 'urlprefix-/c'],
    ]);
    expect(router.problems()).toBe(router.problems());
    await write(store, { id: 'a', tags: ['urlprefix-/a'] });
    expect(router.problems().map(({ instance }) => instance)).toEqual(['node-b/b', 'node-c/c']);
  });

  it('says what is wrong once, however many instances have it', async () => {
    const lines: string[] = [];
    const sink = ({ fields }: LogLine) => lines.push(String(fields.reason));
    const { store } = start({ log: createLogger({ level: 'info', sink }) });
    const bad = ['a', 'b', 'c'].map((id): Given => ({ id, tags: ['urlprefix-/ weight=much'] }));
    await write(store, ...bad);
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'critical', output: '' }));
    await store.write((tx) => deregisterService(tx, 'node-b', 'b'));
    await write(store, bad[1] as Given);
    expect(lines).toEqual([expect.stringMatching(/weight=much is ignored/)]);
    for (const { id } of bad) await store.write((tx) => deregisterService(tx, `node-${id}`, id));
    await write(store, bad[0] as Given);
    expect(lines).toHaveLength(2);
  });

  it('a route with a rule that cannot be read stays closed, also against wider routes; a TCP route is none for HTTP', async () => {
    const { store, asked, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/', 'urlprefix-/admin allow=10.0.0.0/8'] },
      { id: 'tcp', tags: ['urlprefix-s.test/ proto=tcp'] },
    );
    expect(asked('h', '/x')).toEqual(['node-a/a']);
    const [closed] = router.snapshot().changed.filter(({ id }) => id === '/admin');
    expect(closed?.handlings).toMatchObject([{ access: { closed: true } }]);
    expect(asked('s.test', '/')).toEqual(['node-a/a']);
  });

  it('without a healthy instance the next best route answers, or the route itself where that is wanted', async () => {
    const given: Given[] = [
      { id: 'a', tags: ['urlprefix-/'] },
      { id: 'b', name: 'api', tags: ['urlprefix-/api'], checks: ['critical'] },
    ];
    const missing = start();
    await write(missing.store, ...given);
    expect(missing.asked('h', '/api')).toEqual(['node-a/a']);
    const unavailable = start({ whenNoneHealthy: 'unavailable' });
    await write(unavailable.store, ...given);
    expect(unavailable.asked('h', '/api')).toEqual([undefined]);
    await unavailable.store.write((tx) => deregisterService(tx, 'node-b', 'b'));
    expect(unavailable.asked('h', '/api')).toEqual(['node-a/a']);
  });

  it('of many targets only those that changed are sent, and the worker ends with the same', async () => {
    const { store, deltas, asked, router } = start();
    const all = Array.from(
      { length: 40 },
      (_, i): Given => ({ id: `i${i}`, tags: ['urlprefix-/'], port: i + 1 }),
    );
    await write(store, ...all);
    await write(store, { id: 'i7', tags: ['urlprefix-/'], port: 777 });
    await store.write((tx) => deregisterService(tx, 'node-i9', 'i9'));
    await write(store, { id: 'new', tags: ['urlprefix-/'] });
    expect(deltas.slice(1).map(({ changed, patched }) => [changed.length, patched])).toEqual([
      [0, [{ id: '/', set: [expect.objectContaining({ id: 'node-i7/i7', port: 777 })], gone: [] }]],
      [0, [{ id: '/', set: [], gone: ['node-i9/i9'] }]],
      [0, [{ id: '/', set: [expect.objectContaining({ id: 'node-new/new' })], gone: [] }]],
    ]);
    const wanted = router.snapshot().changed[0]?.targets.map(({ id }) => id);
    expect(asked('h', '/', 40)).toEqual(wanted?.sort());
  });

  it('an instance keeps its slot while it is registered; its routes have their own', async () => {
    const { store, router } = start();
    const slots = () => router.snapshot().changed.map(({ slot, targets }) => [slot, targets[0]?.slot]);
    await write(store, { id: 'a', tags: ['urlprefix-/x', 'urlprefix-/y'] });
    const [[x, a] = [], [y, again] = []] = slots();
    expect(again).toBe(a);
    expect(new Set([a, x, y]).size).toBe(3);
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'critical', output: '' }));
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'passing', output: '' }));
    expect(slots()).toEqual([
      [x, a],
      [y, a],
    ]);
  });

  it('instances that ask for different things share a route, each with its own handling', async () => {
    const { store, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/p strip=/p'] },
      { id: 'b', tags: ['urlprefix-/p strip=/p'] },
      { id: 'c', tags: ['urlprefix-/p'] },
    );
    const [spec] = router.snapshot().changed;
    expect(spec?.handlings.map(({ strip }) => strip)).toEqual(['/p', '']);
    expect(spec?.targets.map(({ id, arm }) => [id, arm])).toEqual([
      ['node-a/a', undefined],
      ['node-b/b', undefined],
      ['node-c/c', 1],
    ]);
  });

  it('route commands add, take out and weigh, in their order; a bad line is told and stops only itself', async () => {
    const { store, router, asked } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-m.test/', 'blue'], name: 'one' },
      { id: 'b', tags: ['urlprefix-m.test/', 'green'], name: 'two' },
    );
    router.setCommands(
      commands('route del tags "blue"\nroute nonsense\nroute add man M.test/x http://10.0.0.9:81/?k=v'),
    );
    expect(asked('m.test', '/', 4)).toEqual(['node-b/b', 'node-b/b', 'node-b/b', 'node-b/b']);
    expect(asked('m.test', '/x')).toEqual(['command/man M.test/x 10.0.0.9:81']);
    expect(router.problems()).toEqual([
      {
        service: '',
        instance: '',
        tag: 'route nonsense',
        reason: expect.stringMatching(/^line 2 .*route add/),
      },
    ]);
    router.setCommands(
      commands(
        'route add man m.test/x http://10.0.0.9:81/\nroute del man\nroute weight one m.test/ weight 0.25',
      ),
    );
    expect(asked('m.test', '/x')).toEqual(expect.arrayContaining([expect.stringMatching(/^node/)]));
    expect(asked('m.test', '/', 8).filter((id) => id === 'node-a/a')).toHaveLength(2);
    router.setCommands(commands(''));
    expect(asked('m.test', '/', 8).filter((id) => id === 'node-a/a')).toHaveLength(4);
    expect(router.problems()).toEqual([]);
  });

  it('tells of each tag and command whose auth= names no scheme, and takes it back when there is one', async () => {
    const lines: LogLine[] = [];
    const log = createLogger({ level: 'warn', sink: (line) => lines.push(line) });
    const { store, router, asked } = start({ log, authSchemes: ['team'] });
    const tag = 'urlprefix-/a auth=staff';
    await write(
      store,
      { id: 'a', tags: [tag] },
      { id: 'b', tags: ['urlprefix-/b auth=team', 'urlprefix-/c'] },
    );
    router.setCommands(commands('route add man /m http://10.0.0.9:81/ opts "auth=nobody"'));
    const reason = expect.stringMatching(/^auth=staff: .*closed/);
    expect(router.problems()).toEqual([
      { service: 'web', instance: 'node-a/a', tag, reason },
      expect.objectContaining({ service: 'man', reason: expect.stringMatching(/^auth=nobody: /) }),
    ]);
    expect(lines.map(({ fields }) => fields.instance)).toEqual(['node-a/a', 'command/man /m 10.0.0.9:81']);
    // It keeps its place: the next best route would let everybody in.
    expect(asked('', '/a')).toEqual(['node-a/a']);

    router.setAuthSchemes(['staff', 'nobody']);
    expect(router.problems()).toEqual([
      expect.objectContaining({ instance: 'node-b/b', reason: expect.stringMatching(/^auth=team: /) }),
    ]);
    router.setAuthSchemes(['staff', 'nobody', 'team']);
    expect(router.problems()).toEqual([]);
    expect(asked('', '/a')).toEqual(['node-a/a']);
  });

  it('explains which route takes a request, who shares it, and why the others do not', async () => {
    const { store, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/', 'urlprefix-h.test/', 'urlprefix-*.test/api', 'urlprefix-h.test/api'] },
      { id: 'b', tags: ['urlprefix-h.test/api'], checks: ['critical'] },
      { id: 'c', tags: ['urlprefix-h.test/api/v1'], checks: [] },
    );
    const { host, path, route, passedOver } = router.explain('H.test:80', '/api%2Fv1');
    expect([host, path]).toEqual(['h.test', '/api/v1']);
    expect(route?.id).toBe('h.test/api');
    expect(route?.targets.map(({ instance, share, out }) => [instance, share, out])).toEqual([
      ['node-a/a', 1, ''],
      ['node-b/b', 0, 'check "c0-b" is critical'],
    ]);
    expect(passedOver.map(({ route: { id }, reason }) => [id, reason])).toEqual([
      ['h.test/api/v1', expect.stringMatching(/none of its instances.*no check of its own/)],
      ['h.test/', '/api is the longer path'],
      ['*.test/api', 'h.test is the more specific host'],
      ['/', 'a route of the host (h.test) comes first'],
    ]);
    expect(router.explain('h.test', 'nonsense').route).toBeUndefined();
  });

  it('a change of one service costs no work for the others: the old table is shared', async () => {
    const { store, deltas } = start();
    const many = Array.from(
      { length: 300 },
      (_, i): Given => ({ id: `s${i}`, tags: [`urlprefix-h${i}.test/`] }),
    );
    await write(store, ...many);
    await write(store, { id: 's5', tags: ['urlprefix-h5.test/', 'urlprefix-h5.test/new'] });
    expect(deltas.at(-1)?.changed.map(({ id }) => id)).toEqual(['h5.test/new']);
  });

  // As arguments of one call they were too many for the stack, and the agent did not start.
  it('begins with as many instances as there are', () => {
    const gone = Array.from({ length: 200_000 }, (_, i) => ({
      id: `s${i}`,
      before: undefined,
      after: undefined,
    }));
    const discover: RouterOptions['discover'] = (listener) => {
      listener(gone);
      return { instances: () => [], resync: () => {}, stop: () => {} };
    };
    expect(start({ discover }).router.routes()).toEqual([]);
  });
});
