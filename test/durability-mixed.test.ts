import http from 'node:http';
import { expect, it, onTestFailed, onTestFinished } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { ask, indexOf } from './support/http.ts';
import { type Muster, pickPorts, startMuster, testFolder } from './support/muster.ts';

const ROUNDS = 20;
const TOKEN = '00000000-0000-4000-8000-00000000feed';
const WATCHED = ['/v1/kv/mixed?recurse', '/v1/catalog/nodes', '/v1/session/list', '/v1/query'];

/** What is there under a name, in words; undefined for nothing. */
type Content = string | undefined;

/**
 * What the agent has acknowledged. Only one writer writes a name, one write after the other: of each it is known what
 * has to be there, but for the write that was under way when the agent died, which may have made it or not.
 */
class Ledger {
  readonly #acknowledged = new Map<string, Content>();
  /** By writer: what its write that is under way will have made, all of it or nothing. */
  readonly #underWay = new Map<string, Map<string, Content>>();
  readonly #indexes = new Map<string, number>();
  writes = 0;

  /** Carries out a write that makes `after` of these names. */
  async write(writer: string, after: Record<string, Content>, send: () => Promise<unknown>): Promise<void> {
    this.#underWay.set(writer, new Map(Object.entries(after)));
    await send();
    this.#settle(writer);
    this.writes++;
  }

  /** For what the agent names: known once the answer is there. */
  made(name: string, content: Content): void {
    this.#acknowledged.set(name, content);
    this.writes++;
  }

  content(name: string): Content {
    return this.#acknowledged.get(name);
  }

  /** Names that begin so and have content. */
  names(prefix: string): string[] {
    return [...this.#acknowledged].flatMap(([name, content]) =>
      name.startsWith(prefix) && content !== undefined ? [name] : [],
    );
  }

  see(path: string, index: number): void {
    expect(index, `index of ${path}`).toBeGreaterThanOrEqual(this.#indexes.get(path) ?? 1);
    this.#indexes.set(path, index);
  }

  /** Throws unless everything acknowledged is as it was, nothing deleted is back, and no write happened by half. */
  compare(actual: ReadonlyMap<string, string>): void {
    for (const [writer, after] of this.#underWay) {
      const made = [...after].every(([name, content]) => actual.get(name) === content);
      if (made) this.#settle(writer);
    }
    this.#underWay.clear();
    const differing = [...this.#acknowledged].filter(([name, content]) => actual.get(name) !== content);
    expect(differing.map(([name, content]) => ({ name, content, found: actual.get(name) }))).toEqual([]);
  }

  #settle(writer: string): void {
    for (const [name, content] of this.#underWay.get(writer) ?? []) this.#acknowledged.set(name, content);
    this.#underWay.delete(writer);
  }
}

interface Connection {
  readonly api: string;
  readonly agent?: http.Agent;
}

async function call({ api, agent }: Connection, method: string, path: string, body?: unknown) {
  const answer = await ask(api + path, {
    method,
    headers: { 'X-Consul-Token': TOKEN },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(agent === undefined ? {} : { agent }),
  });
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer;
}

/** The same for an answer in JSON that says "true" or an ID: anything else throws. */
async function accepted(connection: Connection, method: string, path: string, body?: unknown) {
  const { text } = await call(connection, method, path, body);
  if (text.trim() === 'false') throw new Error(`${method} ${path}: refused`);
  return text;
}

async function madeId(connection: Connection, method: string, path: string, body: unknown): Promise<string> {
  const made = JSON.parse(await accepted(connection, method, path, body)) as {
    ID?: string;
    AccessorID?: string;
  };
  return made.AccessorID ?? made.ID ?? '';
}

/** One step of a writer; `unique` is a number that no other step has. */
type Writer = (connection: Connection, known: Ledger, unique: number) => Promise<void>;

const WRITERS: Record<string, Writer> = {
  async keys(connection, known, unique) {
    const name = `mixed/keys/${unique % 7}`;
    const path = `/v1/kv/${name}`;
    if (unique % 3 === 0) {
      await known.write('keys', { [`kv ${name}`]: undefined }, () => accepted(connection, 'DELETE', path));
      return;
    }
    let cas = '';
    if (unique % 3 === 1) {
      const found = await ask(connection.api + path, {
        headers: { 'X-Consul-Token': TOKEN },
        ...(connection.agent === undefined ? {} : { agent: connection.agent }),
      });
      const rows = found.status === 200 ? (JSON.parse(found.text) as { ModifyIndex: number }[]) : [];
      cas = `?cas=${rows[0]?.ModifyIndex ?? 0}`;
    }
    const value = `value ${unique}`;
    await known.write('keys', { [`kv ${name}`]: value }, () =>
      accepted(connection, 'PUT', path + cas, value),
    );
  },

  async txn(connection, known, unique) {
    const value = `txn ${unique}`;
    const there = unique % 2 === 0;
    const set = (Key: string) => ({
      KV: { Verb: 'set', Key, Value: Buffer.from(value).toString('base64') },
    });
    const remove = { KV: { Verb: 'delete', Key: 'mixed/txn/c' } };
    const operations = [set('mixed/txn/a'), there ? set('mixed/txn/c') : remove, set('mixed/txn/b')];
    const after = {
      'kv mixed/txn/a': value,
      'kv mixed/txn/b': value,
      'kv mixed/txn/c': there ? value : undefined,
    };
    await known.write('txn', after, () => call(connection, 'PUT', '/v1/txn', operations));
  },

  async locks(connection, known, unique) {
    const deletes = unique % 2 === 0;
    const id = await madeId(connection, 'PUT', '/v1/session/create', {
      Behavior: deletes ? 'delete' : 'release',
    });
    known.made(`session ${id}`, 'there');
    const key = `mixed/locks/${unique}`;
    const held = { [`kv ${key}`]: 'held', [`lock ${key}`]: id };
    await known.write('locks', held, () =>
      accepted(connection, 'PUT', `/v1/kv/${key}?acquire=${id}`, 'held'),
    );
    if (unique % 3 === 0) return;
    if (unique % 3 === 1) {
      const free = { [`lock ${key}`]: undefined };
      await known.write('locks', free, () =>
        accepted(connection, 'PUT', `/v1/kv/${key}?release=${id}`, 'held'),
      );
      return;
    }
    const after = {
      [`session ${id}`]: undefined,
      [`lock ${key}`]: undefined,
      ...(deletes ? { [`kv ${key}`]: undefined } : {}),
    };
    await known.write('locks', after, () => accepted(connection, 'PUT', `/v1/session/destroy/${id}`));
  },

  async services(connection, known, unique) {
    const [Node, ID] = [`far-${unique % 3}`, `web-${unique % 5}`];
    const name = `service ${Node} ${ID}`;
    if (unique % 4 === 3) {
      await known.write('services', { [name]: undefined }, () =>
        accepted(connection, 'PUT', '/v1/catalog/deregister', { Node, ServiceID: ID }),
      );
      return;
    }
    const Port = 1024 + (unique % 60_000);
    const registration = { Node, Address: '10.0.0.1', Service: { ID, Service: 'web', Port } };
    await known.write('services', { [name]: String(Port) }, () =>
      accepted(connection, 'PUT', '/v1/catalog/register', registration),
    );
  },

  async queries(connection, known, unique) {
    const id = await madeId(connection, 'POST', '/v1/query', {
      Name: `q${unique}`,
      Service: { Service: 'web' },
    });
    known.made(`query ${id}`, `q${unique}`);
    const [old] = known.names('query ');
    if (old === undefined || unique % 3 === 0) return;
    await known.write('queries', { [old]: undefined }, () =>
      accepted(connection, 'DELETE', `/v1/query/${old.slice('query '.length)}`),
    );
  },

  async tokens(connection, known, unique) {
    const id = await madeId(connection, 'PUT', '/v1/acl/token', { Description: `t${unique}` });
    known.made(`token ${id}`, `t${unique}`);
    const [old] = known.names('token ');
    if (old === undefined || unique % 3 === 0) return;
    await known.write('tokens', { [old]: undefined }, () =>
      accepted(connection, 'DELETE', `/v1/acl/token/${old.slice('token '.length)}`),
    );
  },

  async indexes(connection, known, unique) {
    const path = WATCHED[unique % WATCHED.length] as string;
    const answer = await ask(connection.api + path, {
      headers: { 'X-Consul-Token': TOKEN },
      ...(connection.agent === undefined ? {} : { agent: connection.agent }),
    });
    known.see(path, indexOf(answer));
  },
};

/** Everything that the agent has, by the names of the ledger. */
async function found(api: string, known: Ledger): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  const rows = async <Row>(path: string): Promise<Row[]> => {
    const { status, text } = await ask(api + path, { headers: { 'X-Consul-Token': TOKEN } });
    return status === 404 ? [] : (JSON.parse(text) as Row[]);
  };
  for (const { Key, Value, Session } of await rows<{ Key: string; Value: string; Session?: string }>(
    '/v1/kv/mixed?recurse',
  )) {
    all.set(`kv ${Key}`, Buffer.from(Value, 'base64').toString());
    if (Session !== undefined) all.set(`lock ${Key}`, Session);
  }
  for (const { ID } of await rows<{ ID: string }>('/v1/session/list')) all.set(`session ${ID}`, 'there');
  for (const { ID, Name } of await rows<{ ID: string; Name: string }>('/v1/query'))
    all.set(`query ${ID}`, Name);
  for (const { AccessorID, Description } of await rows<{ AccessorID: string; Description: string }>(
    '/v1/acl/tokens',
  ))
    all.set(`token ${AccessorID}`, Description);
  for (const { Node, ServiceID, ServicePort } of await rows<{
    Node: string;
    ServiceID: string;
    ServicePort: number;
  }>('/v1/catalog/service/web'))
    all.set(`service ${Node} ${ServiceID}`, String(ServicePort));
  for (const path of WATCHED) {
    known.see(path, indexOf(await ask(api + path, { headers: { 'X-Consul-Token': TOKEN } })));
  }
  return all;
}

async function storm(
  writer: Writer,
  { api, known, round, onStep }: { api: string; known: Ledger; round: number; onStep: () => void },
): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let step = 0; ; step++) {
      await writer({ api, agent }, known, round * 100_000 + step);
      onStep();
    }
  } catch (error) {
    // The crash ends every writer; anything else that was thrown is a finding.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    agent.destroy();
  }
}

it(`kill -9 under writes of every kind loses nothing and brings nothing back, in ${ROUNDS} rounds`, async () => {
  const folder = testFolder();
  const ports = await pickPorts();
  const known = new Ledger();
  let muster: Muster | undefined;
  onTestFinished(async () => {
    await muster?.program.kill();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of the last agent\n${muster?.program.output()}\n`);
  });
  const config = {
    node: { data_dir: `${folder}/data` },
    acl: { enabled: true, tokens: { initial_management: TOKEN } },
    // It keeps nothing, and most of each start would be its.
    balancer: { enabled: false },
  };
  for (let round = 0; round <= ROUNDS; round++) {
    muster = await startMuster('agent', config, folder, ports);
    const { api, program } = muster;
    known.compare(await found(api, known));
    if (round === ROUNDS) break;
    const busy = new Set<Writer>();
    const storms = Promise.allSettled(
      Object.values(WRITERS).map((writer) =>
        storm(writer, { api, known, round, onStep: () => busy.add(writer) }),
      ),
    );
    await until('a step of each', () => busy.size === Object.keys(WRITERS).length, { program });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 240));
    await program.kill();
    const findings = (await storms).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (findings.length > 0) throw findings[0];
  }
  for (const kind of ['kv', 'lock', 'session', 'service', 'query', 'token'])
    expect(known.names(`${kind} `).length, kind).toBeGreaterThan(0);
});
