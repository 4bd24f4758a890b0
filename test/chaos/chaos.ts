import { until } from '../../scripts/support/processes.mjs';
import type { TestCluster } from '../support/cluster.ts';
import {
  isLinearizable,
  type KeyOp,
  keyModel,
  type LockOp,
  lockModel,
  type Operation,
  Undecided,
} from './linearizable.ts';

/** What is done to a cluster while clients work on it; each undoes itself. `random` is in [0, 1). */
export interface Fault {
  readonly name: string;
  run(cluster: TestCluster, random: () => number): Promise<void>;
}

const SERVERS = [1, 2, 3];
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const pick = (list: readonly number[], random: () => number): number =>
  list[Math.floor(random() * list.length)] as number;

async function leaderOf(cluster: TestCluster, random: () => number): Promise<number> {
  for (const number of SERVERS) {
    const answer = await cluster.ask(number, '/v1/status/leader', { timeout: 1000 }).catch(() => undefined);
    const found = SERVERS.find(
      (one) => answer?.text === JSON.stringify(`${cluster.network.address(one)}:8300`),
    );
    if (found !== undefined) return found;
  }
  return pick(SERVERS, random);
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'the leader is killed',
    async run(cluster, random) {
      const number = await leaderOf(cluster, random);
      await cluster.kill(number);
      await pause(1500);
      cluster.start(number);
    },
  },
  {
    name: 'all servers are killed and start with other addresses',
    async run(cluster, random) {
      await Promise.all(SERVERS.map((number) => cluster.kill(number)));
      const shift = 100 + Math.floor(random() * 40) * 3;
      for (const number of SERVERS) cluster.network.move(number, shift + number);
      cluster.tell();
      for (const number of SERVERS) cluster.start(number);
      await pause(2000);
    },
  },
  {
    name: 'the leader stands still',
    async run(cluster, random) {
      const family = cluster.agent(await leaderOf(cluster, random)).family();
      for (const pid of family) process.kill(pid, 'SIGSTOP');
      await pause(2500);
      for (const pid of family) process.kill(pid, 'SIGCONT');
    },
  },
  {
    name: 'a server is cut off',
    async run(cluster, random) {
      const number = await leaderOf(cluster, random);
      cluster.network.cut(number);
      await pause(2500);
      cluster.network.mend(number);
    },
  },
  {
    name: 'a server hears the others but is not heard',
    async run(cluster, random) {
      const number = pick(SERVERS, random);
      const others = SERVERS.filter((one) => one !== number).map((one) => cluster.network.address(one));
      cluster.network.mute(number, others);
      await pause(2500);
      cluster.network.unmute(number, others);
    },
  },
  {
    name: 'an agent is cut off',
    async run(cluster, random) {
      const number = pick([4, 5], random);
      cluster.network.cut(number);
      await pause(2000);
      cluster.network.mend(number);
    },
  },
];

export interface Verdict {
  readonly operations: number;
  /** Acknowledged or refused; the others nobody knows of. */
  readonly known: number;
  readonly faults: readonly string[];
  /** Keys whose history cannot have been. */
  readonly violations: readonly string[];
  /** Keys of which that could not be found out: too much of unknown outcome at a time. No proof of anything. */
  readonly undecided: readonly string[];
}

const KEYS = ['chaos/a', 'chaos/b', 'chaos/c'];
const LOCK = 'chaos/lock';
/** Nobody waits longer for an answer. */
const TIMEOUT = 7_000;
/** What had no answer is carried out within this time (ms) or never: agents and servers try for 6 s at most. */
const LATEST = 60_000;

/**
 * Lets clients on all nodes work on a few keys and a lock for `ms` while faults happen one after the other, and
 * judges what they saw.
 */
export async function runChaos(
  cluster: TestCluster,
  {
    ms,
    faults = FAULTS,
    random,
    say = () => {},
  }: { ms: number; faults?: readonly Fault[]; random: () => number; say?: (text: string) => void },
): Promise<Verdict> {
  const keys = new Map(KEYS.map((key) => [key, [] as Operation<KeyOp>[]]));
  const locks: Operation<LockOp>[] = [];
  const end = performance.now() + ms;
  let isOver = false;
  let number = 0;
  const indexes = new Map<string, string>();

  const ask = async (by: number, path: string, method: string, body: string) => {
    const call = performance.now();
    const answer = await cluster.ask(by, path, { method, body, timeout: TIMEOUT }).catch(() => undefined);
    return {
      call,
      ret: performance.now(),
      status: answer?.status ?? 0,
      text: answer?.text.trim() ?? '',
      answer,
    };
  };
  const workOnKey = async (by: number) => {
    const key = KEYS[Math.floor(random() * KEYS.length)] as string;
    const history = keys.get(key) as Operation<KeyOp>[];
    const read = await ask(by, `/v1/kv/${key}?consistent`, 'GET', '');
    if (read.status !== 200 && read.status !== 404) return;
    const [row] =
      read.status === 200 ? (JSON.parse(read.text) as { Value: string; ModifyIndex: number }[]) : [];
    const from = row === undefined ? '' : Buffer.from(row.Value, 'base64').toString();
    if (row !== undefined) indexes.set(`${key} ${from}`, String(row.ModifyIndex));
    history.push({ call: read.call, ret: read.ret, op: { kind: 'read', value: from } });
    if (random() < 0.3) return;
    const value = `${by}-${++number}`;
    const isCas = random() < 0.6;
    const query = isCas ? `?cas=${row?.ModifyIndex ?? 0}` : '';
    const { call, ret, status, text } = await ask(by, `/v1/kv/${key}${query}`, 'PUT', value);
    const isKnown = status === 200;
    const op: KeyOp = isCas
      ? { kind: 'cas', from, value, ok: isKnown && text === 'true' }
      : { kind: 'write', value };
    history.push({ call, ret: isKnown ? ret : Number.POSITIVE_INFINITY, until: call + LATEST, op });
  };
  const workOnLock = async (by: number, session: string) => {
    for (const kind of ['acquire', 'release'] as const) {
      const { call, ret, status, text } = await ask(by, `/v1/kv/${LOCK}?${kind}=${session}`, 'PUT', session);
      const isKnown = status === 200;
      const op: LockOp = { kind, session, ok: isKnown && text === 'true' };
      locks.push({ call, ret: isKnown ? ret : Number.POSITIVE_INFINITY, until: call + LATEST, op });
      if (isKnown && text !== 'true') return;
    }
  };
  const client = async (by: number) => {
    // Bound to no check: it must not end when its node is cut off.
    const made = await ask(by, '/v1/session/create', 'PUT', '{"Checks":[],"LockDelay":"0s","NodeChecks":[]}');
    const session = made.status === 200 ? (JSON.parse(made.text) as { ID: string }).ID : '';
    while (!isOver) {
      if (session !== '' && random() < 0.25) await workOnLock(by, session);
      else await workOnKey(by);
      await pause(5 + random() * 20);
    }
  };
  const clients = cluster.numbers.map((by) => client(by));
  const done: string[] = [];
  for (let at = 0; performance.now() < end; at++) {
    const fault = faults[at % faults.length] as Fault;
    say(fault.name);
    done.push(fault.name);
    await fault.run(cluster, random);
    await Promise.all(cluster.numbers.map((by) => cluster.writable(by)));
    await pause(500);
  }
  isOver = true;
  await Promise.all(clients);
  await until(
    'an end in which all agree',
    async () => (await ask(1, `/v1/kv/${LOCK}?consistent`, 'GET', '')).status !== 500,
  );
  const judgements = [
    ...[...keys].map(([key, history]) => ({ key, is: judged(() => isLinearizable(history, keyModel)) })),
    { key: LOCK, is: judged(() => isLinearizable(locks, lockModel)) },
  ];
  const keysThat = (are: Judgement) => judgements.filter(({ is }) => is === are).map(({ key }) => key);
  const histories = [...keys.values(), locks];
  const all = histories.flat() as Operation<unknown>[];
  return {
    operations: all.length,
    known: all.filter(({ ret }) => Number.isFinite(ret)).length,
    faults: done,
    violations: keysThat('wrong'),
    undecided: keysThat('undecided'),
  };
}

type Judgement = 'right' | 'wrong' | 'undecided';

function judged(isRight: () => boolean): Judgement {
  try {
    return isRight() ? 'right' : 'wrong';
  } catch (error) {
    if (error instanceof Undecided) return 'undecided';
    throw error;
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
