import { afterEach, describe, expect, it } from 'vitest';
import {
  type Asked,
  type FakeAgent,
  type Reply,
  startFakeAgent,
} from '../../client/fake-agent.test-support.ts';
import { Client } from '../../client/index.ts';
import { ManualClock } from '../../lib/clock.ts';
import { type Dependency, datacentersDependency, keyDependency } from '../dependencies/dependency.ts';
import type { Value } from '../language/index.ts';
import { RegistrySource } from './registry.ts';

let agent: FakeAgent | undefined;
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

/** What is heard first of a dependency: its value, or that there is none. */
async function first(dependency: Dependency, answer: (asked: Asked) => Reply): Promise<Value | 'absent'> {
  agent = await startFakeAgent(answer);
  const source = new RegistrySource({
    client: new Client({ address: agent.address }),
    maxStale: 0,
    backoff: { base: 1, max: 1 },
    wait: '60s',
    clock: new ManualClock(),
    random: () => 0,
  });
  let stop = () => {};
  const heard = new Promise<Value | 'absent'>((resolve, reject) => {
    stop = source.follow(dependency, {
      value: resolve,
      absent: () => resolve('absent'),
      trouble: reject,
    });
  });
  return heard.finally(stop);
}

describe('datacenters', () => {
  /** Two, of which one does not answer. */
  const answer = ({ path, query }: Asked): Reply => {
    if (path === '/v1/catalog/datacenters') return { json: ['far', 'near'] };
    return query.get('dc') === 'near' ? { json: {} } : { status: 500, text: 'No path to datacenter' };
  };

  it.each([
    [false, ['far', 'near']],
    [true, ['near']],
  ])('are all, or those alone that answer: %s', async (ignoreFailing, expected) => {
    const value = await first(datacentersDependency(ignoreFailing), answer);
    expect(Array.from(value as string[])).toEqual(expected);
  });
});

describe('a key that is not there', () => {
  const answer = ({ query }: Asked): Reply =>
    query.has('index') ? { hang: true } : { status: 404, index: 7 };

  it('is known to be absent where it has to be there', async () => {
    expect(await first(keyDependency('a', true), answer)).toBe('absent');
  });
});
