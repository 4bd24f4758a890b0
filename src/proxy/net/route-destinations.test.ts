import { describe, expect, it } from 'vitest';
import { TargetStates } from '../../balance/states.ts';
import { compile } from '../../route/compiler.ts';
import { type HandlingSpec, PLAIN_HANDLING } from '../../route/handling.ts';
import type { RouteSpec, TargetSpec } from '../../route/spec.ts';
import type { Engine } from '../http1/engine.ts';
import { RouteDestinations } from './route-destinations.ts';

const target = (id: string, more: Partial<TargetSpec> = {}): TargetSpec => ({
  id,
  host: '127.0.0.1',
  port: 443,
  weight: 1,
  slot: 1,
  ...more,
});

function spec(kind: RouteSpec['kind'], host: string, path: string, more: Partial<RouteSpec> = {}): RouteSpec {
  const handlings = [PLAIN_HANDLING];
  const targets = [target(host)];
  return {
    id: `${kind} ${host}${path}`,
    service: 'web',
    kind,
    host,
    path,
    handlings,
    strategy: 'rr',
    slot: 0,
    targets,
    ...more,
  };
}

const asks = (more: Partial<HandlingSpec>): Partial<RouteSpec> => ({
  handlings: [{ ...PLAIN_HANDLING, ...more }],
});

const specs = [
  spec('tcp', 'db.test', '/'),
  spec('http', 'web.test', '/', { targets: [target('web', { tls: { verify: true } })] }),
  spec('http', 'path.test', '/x'),
  spec('http', 'auth.test', '/', asks({ auth: 'staff' })),
  spec('http', 'moved.test', '/', asks({ redirect: { code: 301, url: 'https://new.test/' } })),
  spec('http', 'shut.test', '/', asks({ access: { allow: ['10.0.0.0/8'], deny: [], closed: false } })),
  spec('http', 'mixed.test', '/', {
    handlings: [PLAIN_HANDLING, { ...PLAIN_HANDLING, auth: 'staff' }],
    targets: [target('a'), target('b', { arm: 1 })],
  }),
];

const routes = compile(specs, { random: () => 0, turns: new Int32Array(8), states: new TargetStates() });
const peers = { source: { address: '192.0.2.1', port: 1 } };

function found(by: 'tcp-name' | 'name', name: string) {
  const destinations = new RouteDestinations({ routes } as Engine, by, { host: '', port: 443 });
  return destinations.find(name, peers)?.balancer.next([]);
}

describe('connections by the name that a TLS client asks for', () => {
  it.each([
    ['db.test', 'db.test', 'db.test'],
    ['web.test', 'web', undefined],
    ['path.test', undefined, undefined],
    ['auth.test', undefined, undefined],
    ['moved.test', undefined, undefined],
    ['shut.test', undefined, undefined],
    ['mixed.test', undefined, undefined],
    ['none.test', undefined, undefined],
    ['', undefined, undefined],
  ])('%j goes to %s where only such come, to %s where others are served', (name, alone, besides) => {
    expect([found('name', name)?.id, found('tcp-name', name)?.id]).toEqual([alone, besides]);
  });

  it('lets the TLS of clients through', () => {
    expect(found('name', 'web.test')?.tls).toBeUndefined();
  });
});
