import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AclWorld, startAclWorld } from './acl/world.test-support.ts';
import { type Api, startApi } from './server.ts';
import { testContext } from './test-context.ts';

/** One request after another, each with what Consul 1.10 was seen to answer: status, and text or JSON unless it is of no account. */
type Step = readonly [method: string, path: string, body: unknown, status: number, answer?: unknown];

const ID = 'adf4238a-882b-9ddc-4a9d-5b6758e4159e';
const put = (path: string, body: unknown, status: number, answer?: unknown): Step => [
  'PUT',
  path,
  body,
  status,
  answer,
];
const get = (path: string, status: number, answer?: unknown): Step => [
  'GET',
  path,
  undefined,
  status,
  answer,
];
const register = (more: object) =>
  put('/v1/catalog/register', { Node: 'n1', Address: '10.0.0.1', ...more }, 200, true);
const txn = (operation: object | object[], status: number, answer: object) =>
  put('/v1/txn', [operation].flat(), status, expect.objectContaining(answer));
const refusedTxn = (What: string) => ({ Results: null, Errors: [{ OpIndex: 0, What }] });
const NO_NAMESPACES = 'Namespaces are a Consul Enterprise feature';

const OPEN: Record<string, readonly Step[]> = {
  'the root of the keys is there, also when it is empty': [
    get('/v1/kv/?keys', 200, []),
    get('/v1/kv/a?keys', 404),
    get('/v1/kv/?recurse', 404),
  ],
  'a namespace is refused where there are none': [
    get('/v1/kv/a?ns=default', 400, `Bad request: Invalid query parameter: "ns" - ${NO_NAMESPACES}`),
    get('/v1/health/service/web?ns=x', 400),
    get('/v1/kv/a?ns=', 404),
    get('/v1/catalog/nodes?ns=x', 200),
    get('/v1/status/leader?ns=x', 200),
  ],
  'a session: fields that nobody knows are of no account, an empty node is none': [
    register({}),
    put('/v1/session/create', { Node: 'n1', NodeChecks: [], Behaviour: 'x' }, 200),
    put('/v1/session/create', { Node: '' }, 500, 'Must provide Node'),
  ],
  'an expression says which part of its selector there is not': [
    get(
      '/v1/catalog/service/web?filter=NodeMeta.a.b==c',
      500,
      'Failed to create boolean expression evaluator: Selector "NodeMeta.a.b" is not valid',
    ),
    get(
      '/v1/catalog/service/web?filter=Meta.a==b',
      500,
      'Failed to create boolean expression evaluator: Selector "Meta" is not valid',
    ),
  ],
  'metadata of a service that the catalog refuses': [
    register({}),
    put(
      '/v1/catalog/register',
      { Node: 'n1', Address: '10.0.0.1', Service: { Service: 's', Meta: { 'a b': 'x' } } },
      500,
      "failed inserting service: Invalid Service Meta for node n1 and serviceID s: Couldn't load metadata pair ('a b', 'x'): Key contains invalid characters",
    ),
  ],
  'the checks of a node whatever its metadata': [
    register({ Check: { CheckID: 'c', Status: 'passing' } }),
    get('/v1/health/node/n1?node-meta=a:b', 200, [expect.objectContaining({ CheckID: 'c' })]),
    get('/v1/health/state/any?node-meta=a:b', 200, []),
  ],
  'operations that say nothing, and those without a key': [
    txn([{}], 200, { Results: [], Errors: null }),
    txn({ KV: {} }, 409, refusedTxn('Must provide key')),
    txn({ KV: { Verb: 'get-tree', Key: '' } }, 409, refusedTxn('Must provide key')),
    txn({ KV: { Verb: 'delete-tree', Key: '' } }, 200, { Results: [] }),
    register({ Service: { Service: 's' } }),
    txn(
      { Service: { Verb: 'get', Node: 'n1', Service: { Service: 's' } } },
      409,
      refusedTxn('service "" on node "n1" doesn\'t exist'),
    ),
  ],
  'operations that would take away what is not there, or what they do not name': [
    register({ Service: { Service: 's' } }),
    ...[
      { Node: { Verb: 'delete-cas', Node: { Node: 'none' } } },
      { Service: { Verb: 'delete-cas', Node: 'n1', Service: { Service: 'none' } } },
      { Check: { Verb: 'delete-cas', Check: { Node: 'n1', CheckID: 'none' } } },
    ].map((operation) =>
      txn(operation, 409, {
        Errors: [{ OpIndex: 0, What: expect.stringMatching(/^failed to delete .*, index is stale$/) }],
      }),
    ),
    txn({ Node: { Verb: 'set', Node: { ID, Node: 'n2', Address: '10.0.0.2' } } }, 200, { Errors: null }),
    txn({ Node: { Verb: 'delete', Node: { ID, Node: '' } } }, 409, refusedTxn('Must provide node')),
    txn({ Node: { Verb: 'nope', Node: { Node: '' } } }, 409, refusedTxn('Must provide node')),
    txn({ Node: { Verb: 'delete', Node: { ID, Node: 'n1' } } }, 200, { Errors: null }),
    get('/v1/catalog/nodes', 200, [expect.objectContaining({ Node: 'n2' })]),
  ],
  'an instance in a transaction at an address that is none': [
    register({}),
    txn(
      { Service: { Verb: 'set', Node: 'n1', Service: { Service: 's', Address: '0.0.0.0' } } },
      409,
      refusedTxn('Invalid service address'),
    ),
  ],
  'lists and objects that are something else are named with what is in them': [
    put(
      '/v1/catalog/register',
      { Node: 'n1', NodeMeta: 1 },
      400,
      'Request decode failed: json: cannot unmarshal number into Go struct field RegisterRequest.NodeMeta of type map[string]string',
    ),
    put(
      '/v1/txn',
      [{ Node: { Verb: 'set', Node: { Node: 'n1', TaggedAddresses: [] } } }],
      400,
      'Failed to parse body: json: cannot unmarshal array into Go struct field Node.Node.Node.TaggedAddresses of type map[string]string',
    ),
  ],
  'a check that has neither ID nor name': [
    register({}),
    put(
      '/v1/catalog/register',
      { Node: 'n1', Address: '10.0.0.1', Check: { Status: 'passing' } },
      500,
      'failed inserting check: failed health check lookup: index error: object is missing a value for this index on node "n1"',
    ),
    get('/v1/health/node/n1', 200, []),
  ],
  'weights that DNS could not use are one for each in the catalog': [
    ...[{ Passing: -1, Warning: 1 }, { Warning: 5 }, { Passing: 70000, Warning: 1 }, null].flatMap(
      (Weights) => [
        register({ Service: { Service: 's', Weights } }),
        get('/v1/catalog/service/s', 200, [
          expect.objectContaining({ ServiceWeights: { Passing: 1, Warning: 1 } }),
        ]),
      ],
    ),
    register({ Service: { Service: 's', Weights: { Passing: 10, Warning: 0 } } }),
    get('/v1/catalog/service/s', 200, [
      expect.objectContaining({ ServiceWeights: { Passing: 10, Warning: 0 } }),
    ]),
  ],
  'checks in a state, however that is written': [
    register({ Check: { CheckID: 'c', Status: 'passing' } }),
    get('/v1/health/state/Passing', 200, [expect.objectContaining({ CheckID: 'c' })]),
    get('/v1/health/state/ANY', 200, []),
  ],
  'a session whose checks are null has none; fields of its checks that nobody knows are of no account': [
    register({ Check: { CheckID: 'serfHealth', Status: 'critical' } }),
    put('/v1/session/create', { Node: 'n1' }, 500),
    ...[{ Checks: null }, { NodeChecks: null }, { Checks: ['none'], NodeChecks: null }].map((checks) =>
      put('/v1/session/create', { Node: 'n1', ...checks }, 200),
    ),
    put('/v1/session/create', { Node: 'n1', Checks: [], ServiceChecks: [{ Name: 'x' }] }, 500),
    register({ Service: { Service: 's' }, Check: { CheckID: 'c', Status: 'passing', ServiceID: 's' } }),
    put('/v1/session/create', { Node: 'n1', Checks: [], ServiceChecks: [{ ID: 'c', Name: 'x' }] }, 200),
  ],
  'nothing is authorised where access is not controlled': [
    ['POST', '/v1/internal/acl/authorize', [], 401, 'ACL support disabled'],
  ],
};

const NOT_36 = 'index error: UUID must be 36 characters';
const CONTROLLED: Record<string, readonly Step[]> = {
  "IDs that could be nobody's": [
    get('/v1/acl/policy/nope', 500, `failed acl policy lookup: ${NOT_36}`),
    ['DELETE', '/v1/acl/policy/nope', undefined, 500, `failed acl policy lookup: ${NOT_36}`],
    get('/v1/acl/role/nope', 500, `failed acl role lookup: ${NOT_36}`),
    get('/v1/acl/token/nope', 500, `failed acl token lookup: ${NOT_36}`),
    get(`/v1/acl/token/${ID}`, 403, 'ACL not found'),
    get(`/v1/acl/role/${ID}`, 404, ''),
    get('/v1/acl/role/name/nope', 404, ''),
    get('/v1/acl/policy/name/nope', 403, 'ACL not found'),
  ],
  'what a token may do': [
    [
      'POST',
      '/v1/internal/acl/authorize',
      [
        { Resource: 'key', Segment: 'a', Access: 'read' },
        { Resource: 'key', Segment: 'a', Access: 'Write-Prefix' },
        { Resource: 'acl', Access: 'write' },
      ],
      200,
      [
        { Resource: 'key', Segment: 'a', Access: 'read', Allow: true },
        { Resource: 'key', Segment: 'a', Access: 'Write-Prefix', Allow: true },
        { Resource: 'acl', Access: 'write', Allow: true },
      ],
    ],
    ['POST', '/v1/internal/acl/authorize', [], 200, []],
    [
      'POST',
      '/v1/internal/acl/authorize',
      [{ Resource: 'foo', Access: 'read' }],
      400,
      'Bad request: Invalid ACL resource requested: "foo"',
    ],
    [
      'POST',
      '/v1/internal/acl/authorize',
      [{ Resource: 'node', Access: 'list' }],
      400,
      'Bad request: Invalid access level for node resource: list',
    ],
    [
      'POST',
      '/v1/internal/acl/authorize',
      '{',
      400,
      'Bad request: Failed to decode request body: unexpected EOF',
    ],
    [
      'POST',
      '/v1/internal/acl/authorize',
      Array.from({ length: 65 }, () => ({ Resource: 'acl', Access: 'read' })),
      400,
      'Bad request: Refusing to process more than 64 authorizations at once',
    ],
  ],
};

async function follow(
  steps: readonly Step[],
  ask: (step: Step) => Promise<{ status: number; text: string }>,
) {
  for (const step of steps) {
    const { status, text } = await ask(step);
    const [method, path, , expected, answer] = step;
    expect(`${method} ${path}: ${status}`).toBe(`${method} ${path}: ${expected}`);
    if (answer !== undefined) expect(typeof answer === 'string' ? text : JSON.parse(text)).toEqual(answer);
  }
}

const bodyOf = (body: unknown) =>
  body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };

describe('without access control', () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi({ context: testContext().context, host: '127.0.0.1', port: 0 });
  });
  afterEach(() => api.stop());

  it.each(Object.entries(OPEN))('%s', (_name, steps) =>
    follow(steps, async ([method, path, body]) => {
      const answer = await fetch(`http://127.0.0.1:${api.address.port}${path}`, { method, ...bodyOf(body) });
      return { status: answer.status, text: await answer.text() };
    }),
  );

  it('a namespace in the header is refused too', async () => {
    const headers = { 'X-Consul-Namespace': 'default' };
    const url = `http://127.0.0.1:${api.address.port}/v1/kv/a`;
    // Without one there is an answer, which is not to be given again.
    await fetch(url, { method: 'PUT', body: 'x' });
    await fetch(url);
    const answer = await fetch(url, { headers });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      `Bad request: Invalid header: "X-Consul-Namespace" - ${NO_NAMESPACES}`,
    ]);
  });
});

describe('with access control', () => {
  let world: AclWorld;
  beforeEach(async () => {
    world = await startAclWorld();
  });
  afterEach(() => world.stop());

  it.each(Object.entries(CONTROLLED))('%s', (_name, steps) =>
    follow(steps, ([method, path, body]) => world.ask(method, path, { body })),
  );

  it('who brings no token has none of their own, and may be told what they may not do', async () => {
    const own = await world.ask('GET', '/v1/acl/token/self', { token: '' });
    expect([own.status, own.text]).toEqual([403, 'ACL not found']);
    const body = [{ Resource: 'key', Segment: 'a', Access: 'read' }];
    const asked = await world.ask('POST', '/v1/internal/acl/authorize', { token: '', body });
    expect(asked.json).toEqual([{ ...body[0], Allow: false }]);
  });
});
