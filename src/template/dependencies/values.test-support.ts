import type { Value } from '../language/index.ts';
import { HealthService, Weights } from './values.ts';

/** The instance `web-NUMBER` on this machine, as `service` of templates answers it. */
export function testInstance(number: number, port: number): Value {
  const empty = new Map<Value, Value>();
  return new HealthService({
    Node: 'n',
    NodeID: '',
    NodeAddress: '127.0.0.1',
    NodeTaggedAddresses: empty,
    NodeMeta: empty,
    ServiceMeta: empty,
    Address: '127.0.0.1',
    ServiceTaggedAddresses: empty,
    ID: `web-${number}`,
    Name: 'web',
    Tags: [],
    Checks: [],
    Status: 'passing',
    Port: BigInt(port),
    Weights: new Weights({ Passing: 1n, Warning: 1n }),
  });
}
