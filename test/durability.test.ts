import http from 'node:http';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { type Answer, ask, getJson, indexOf, put } from './support/http.ts';
import { type Muster, pickPorts, startMuster, testFolder } from './support/muster.ts';

const ROUNDS = 20;

/** Paths whose index is looked at: one key, a prefix, and the services. */
const WATCHED = ['/v1/kv/storm/counter/0', '/v1/kv/storm/counter/?keys', '/v1/catalog/services'];

/** What was acknowledged, and thus must survive anything. */
class Acknowledged {
  /** Keys written once, with their value. */
  readonly keys = new Map<string, string>();
  /** Keys overwritten with ever higher numbers: the last one acknowledged. */
  readonly counters = new Map<string, number>();
  readonly deletedKeys = new Set<string>();
  readonly services = new Map<string, number>();
  readonly deregistered = new Set<string>();
  /** By path: the highest index that an answer carried. */
  readonly #indexes = new Map<string, number>();

  /** Takes note of the index of an answer; it must not be below that of an answer before it. */
  see(path: string, answer: Answer): void {
    const index = indexOf(answer);
    expect(index, `index of ${path}`).toBeGreaterThanOrEqual(this.#indexes.get(path) ?? 1);
    this.#indexes.set(path, index);
  }
}

/** Writes until the connection breaks; an operation counts once its answer is there. */
type Writer = (
  api: string,
  agent: http.Agent,
  round: number,
  known: Acknowledged,
  step: number,
) => Promise<void>;

const newKeys: Writer = async (api, agent, round, known, step) => {
  const key = `storm/new/${round}/${step}`;
  const value = `${round}-${step}-${Math.random()}`;
  const { text } = await storeKey(api, agent, key, value);
  if (text.trim() === 'true') known.keys.set(key, value);
  if (step % 10 === 9) {
    const gone = `storm/new/${round}/${step - 5}`;
    // While the deletion is under way nobody can say.
    known.keys.delete(gone);
    await ask(`${api}/v1/kv/${gone}`, { method: 'DELETE', agent });
    known.deletedKeys.add(gone);
  }
};

const counters: Writer = async (api, agent, round, known, step) => {
  const key = `storm/counter/${step % 3}`;
  const value = round * 1_000_000 + step;
  await storeKey(api, agent, key, String(value));
  known.counters.set(key, value);
};

const services: Writer = async (api, agent, round, known, step) => {
  const id = `storm-${round}-${step}`;
  await put(`${api}/v1/agent/service/register`, { ID: id, Name: `storm-${round}`, Port: 1024 + step }, agent);
  known.services.set(id, 1024 + step);
  if (step % 4 === 3) {
    const gone = `storm-${round}-${step - 2}`;
    known.services.delete(gone);
    await put(`${api}/v1/agent/service/deregister/${gone}`, undefined, agent);
    known.deregistered.add(gone);
  }
};

const indexes: Writer = async (api, agent, _round, known) => {
  for (const path of WATCHED) known.see(path, await ask(api + path, { agent }));
};

function storeKey(api: string, agent: http.Agent, key: string, value: string) {
  return ask(`${api}/v1/kv/${key}`, { method: 'PUT', body: value, agent });
}

async function write(writer: Writer, api: string, round: number, known: Acknowledged): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let step = 0; ; step++) await writer(api, agent, round, known, step);
  } catch (error) {
    // The crash ends every writer; anything else that was thrown is a finding.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    agent.destroy();
  }
}

/** Everything acknowledged is there, nothing that was taken back has returned, the index is not lower. */
async function expectAll(api: string, known: Acknowledged): Promise<void> {
  for (const path of WATCHED) known.see(path, await ask(api + path));
  const all = await ask(`${api}/v1/kv/storm?recurse`);
  const rows = all.status === 200 ? (JSON.parse(all.text) as { Key: string; Value: string }[]) : [];
  const values = new Map(rows.map((row) => [row.Key, Buffer.from(row.Value, 'base64').toString()]));
  const lost = [...known.keys].filter(([key, value]) => values.get(key) !== value).map(([key]) => key);
  expect(lost).toEqual([]);
  expect([...known.deletedKeys].filter((key) => values.has(key))).toEqual([]);
  for (const [key, value] of known.counters) {
    // The write that was under way when the process died may have made it.
    expect(Number(values.get(key)), key).toBeGreaterThanOrEqual(value);
  }
  const registered = await getJson<Record<string, { Port: number }>>(`${api}/v1/agent/services`);
  const missing = [...known.services].filter(([id, port]) => registered[id]?.Port !== port).map(([id]) => id);
  expect(missing).toEqual([]);
  expect([...known.deregistered].filter((id) => registered[id] !== undefined)).toEqual([]);
  await expectInCatalog(api, known);
}

/** What the agent has on disk is in the catalog too, and the catalog has no more. */
async function expectInCatalog(api: string, known: Acknowledged): Promise<void> {
  const names = new Set([...known.services.keys()].map((id) => id.split('-').slice(0, 2).join('-')));
  for (const name of names) {
    await until(`the catalog to have all of ${name}`, async () => {
      const rows = await getJson<{ ServiceID: string }[]>(`${api}/v1/catalog/service/${name}`);
      const ids = new Set(rows.map((row) => row.ServiceID));
      const wanted = [...known.services.keys()].filter((id) => id.startsWith(`${name}-`));
      return wanted.every((id) => ids.has(id)) && [...known.deregistered].every((id) => !ids.has(id));
    });
  }
}

describe('kill -9 in the middle of a write storm', () => {
  it(`loses nothing that was acknowledged, in ${ROUNDS} rounds`, async () => {
    const folder = testFolder();
    const ports = await pickPorts();
    const known = new Acknowledged();
    let muster: Muster | undefined;
    onTestFinished(async () => {
      await muster?.program.kill();
    });
    onTestFailed(() => {
      process.stdout.write(`--- output of the last agent\n${muster?.program.output()}\n`);
    });
    // The balancer keeps nothing, and most of each start would be its.
    const config = { node: { data_dir: `${folder}/data` }, balancer: { enabled: false } };
    const begin = () => startMuster('agent', config, folder, ports);

    for (let round = 0; round < ROUNDS; round++) {
      muster = await begin();
      await expectAll(muster.api, known);
      const before = known.keys.size;
      const registered = known.services.size;
      const { api, program } = muster;
      const storm = Promise.allSettled(
        // Each connection has keys of its own.
        [newKeys, newKeys, counters, services, indexes].map((writer, line) =>
          write(writer, api, round * 10 + line, known),
        ),
      );
      const hasBegun = () => known.keys.size > before && known.services.size > registered + 1;
      await until('something acknowledged', hasBegun, { program });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 240));
      await program.kill();
      const findings = (await storm).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      if (findings.length > 0) throw findings[0];
      expect(known.keys.size, 'the storm wrote something').toBeGreaterThan(before);
    }
    muster = await begin();
    await expectAll(muster.api, known);
    expect(known.keys.size).toBeGreaterThan(ROUNDS);
    expect(known.services.size).toBeGreaterThan(ROUNDS);
  });
});
