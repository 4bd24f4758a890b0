import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Catalog } from '../../catalog/catalog.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import { EtcdClient } from './client.ts';
import { startEtcd, type TestEtcd } from './etcd.test-support.ts';
import { RpcError, STATUS } from './grpc.ts';
import { Layout } from './layout.ts';
import type { RangeAnswer, RangeOptions } from './messages.ts';
import { Replica } from './replica.ts';

const lost = () => new RpcError(STATUS.unavailable, 'the connection was lost');

/** A way to etcd on which some of what is asked finds nobody. */
class PatchyClient extends EtcdClient {
  /** Whether nobody is found, of each question in turn; afterwards somebody is. */
  isLost: ((options: RangeOptions) => boolean)[] = [];
  error = lost();

  override range(options: RangeOptions, timeout?: number): Promise<RangeAnswer> {
    return this.isLost.shift()?.(options) ? Promise.reject(this.error) : super.range(options, timeout);
  }
}

describe('a replica that begins', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.stop());

  const lines: LogLine[] = [];
  const begin = async (isLost: PatchyClient['isLost'], error = lost()) => {
    lines.length = 0;
    const client = new PatchyClient({ endpoints: [etcd.endpoint] });
    client.isLost = isLost;
    client.error = error;
    const replica = new Replica({
      client,
      layout: new Layout('/replica-test'),
      catalog: new Catalog((error) => {
        throw error;
      }),
      clock: systemClock,
      random: Math.random,
      logger: createLogger({ level: 'info', sink: (line) => lines.push(line) }),
    });
    try {
      await replica.start();
      return replica.silence;
    } finally {
      replica.close();
      client.close();
    }
  };

  it('knows of a majority when one answers', async () => {
    expect(await begin([])).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('does not begin while nobody is there, also when somebody is a moment later', async () => {
    await expect(begin([() => true])).rejects.toThrow('the connection was lost');
  });

  it('begins with what one member knows where there is no majority', async () => {
    const needsMajority = ({ serializable }: RangeOptions) => serializable !== true;
    expect(await begin([needsMajority, needsMajority])).toBe(Number.POSITIVE_INFINITY);
    expect(lines.map(({ level }) => level)).toEqual(['warn']);
  });

  it('does not warn of a member that does not count yet: every server that joins begins as one', async () => {
    const needsMajority = ({ serializable }: RangeOptions) => serializable !== true;
    const refusal = new RpcError(STATUS.unavailable, 'etcdserver: rpc not supported for learner');
    expect(await begin([needsMajority, needsMajority], refusal)).toBe(Number.POSITIVE_INFINITY);
    expect(lines.map(({ level }) => level)).toEqual(['info']);
  });
});
