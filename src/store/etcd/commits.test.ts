import { afterAll, beforeAll, expect, it } from 'vitest';
import { Catalog } from '../../catalog/catalog.ts';
import { kvSet, kvSetIfIndex } from '../../catalog/commands/kv.ts';
import { systemClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { EtcdClient, type WatchEvents } from './client.ts';
import { Commits, DEFAULT_TXN_LIMITS } from './commits.ts';
import { startEtcd, type TestEtcd } from './etcd.test-support.ts';
import { RpcError, STATUS } from './grpc.ts';
import { Layout } from './layout.ts';
import type { KeyRange, Txn, TxnAnswer } from './messages.ts';
import { Replica } from './replica.ts';
import { openEtcdStore } from './store.ts';

const PREFIX = '/test';
let etcd: TestEtcd;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());

/** A way to etcd on which what is followed can be held up, and with something else to happen than the answer to a transaction. */
class TroubledClient extends EtcdClient {
  instead: ((answer: TxnAnswer) => Promise<TxnAnswer>) | undefined;
  #held: (() => void)[] | undefined;

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const task of held) task();
  }

  override watch(range: KeyRange, startRevision: number, { answer, end }: WatchEvents) {
    if (this.#held !== undefined) this.#held = [];
    return super.watch(range, startRevision, {
      end,
      answer: (one) => void (this.#held === undefined ? answer(one) : this.#held.push(() => answer(one))),
    });
  }

  override async txn(txn: Txn, timeout?: number): Promise<TxnAnswer> {
    const answer = await super.txn(txn, timeout);
    return this.instead === undefined ? answer : this.instead(answer);
  }
}

const set = (key: string) => ({ key, value: Buffer.from('x'), flags: 0n });
const onSubscriberError = (error: unknown) => {
  throw error;
};

it('a commit whose answer was lost is not made again before it is known whether it was made', async () => {
  const endpoints = [etcd.endpoint];
  const other = await openEtcdStore({ endpoints, prefix: PREFIX, onSubscriberError });
  const client = new TroubledClient({ endpoints });
  const layout = new Layout(PREFIX);
  const catalog = new Catalog(onSubscriberError);
  const shared = { client, layout, catalog, clock: systemClock };
  const replica = new Replica({ ...shared, random: Math.random, logger: silentLogger });
  const commits = new Commits({ ...shared, replica, limits: DEFAULT_TXN_LIMITS, time: Date.now });
  await replica.start();
  try {
    let attempts = 0;
    client.hold();
    client.instead = async (answer) => {
      attempts++;
      if (attempts === 1) {
        expect(answer.succeeded).toBe(true);
        await other.write((tx) => kvSet(tx, set('another')));
        throw new RpcError(STATUS.deadlineExceeded, 'lost');
      }
      // By then what others did has not come in for longer than is waited for.
      if (attempts === 3) client.release();
      return answer;
    };
    const { answer } = await commits.write((tx) => kvSetIfIndex(tx, set('once'), 0));
    expect(answer).toBe(true);
    expect(attempts).toBe(3);
  } finally {
    await commits.close();
    replica.close();
    client.close();
    await other.close();
  }
});
