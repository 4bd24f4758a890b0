import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { describeCluster } from '../scripts/support/cluster.mjs';
import { MUSTER } from '../scripts/support/paths.mjs';
import { type Running, runToEnd, until } from '../scripts/support/processes.mjs';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, getJson, indexOf, put } from './support/http.ts';
import { failures, Load, oneByOne } from './support/load.ts';
import { temporaryFolder } from './support/muster.ts';

type Node = Awaited<ReturnType<typeof describeCluster>>['servers'][number];

/** Three servers, each with an etcd, and an agent, on one machine. */
describe('a cluster whose processes are replaced', () => {
  const { folder, remove } = temporaryFolder();
  let nodes: { servers: Node[]; clients: Node[] };
  const running = new Map<string, Running>();
  let client: Node;

  beforeAll(async () => {
    nodes = await describeCluster(folder, { clients: 1 });
    client = nodes.clients[0] as Node;
    for (const node of [...nodes.servers, client]) running.set(node.name, node.start());
    for (const node of [...nodes.servers, client])
      await until(
        `${node.name} to take a write`,
        async () => (await ask(`http://${node.api}/v1/kv/x`, { method: 'PUT' })).status === 200,
        { ms: 60_000 },
      );
    await allWell();
  });
  afterAll(async () => {
    await Promise.all([...running.values()].map((program) => program.kill()));
    remove();
  });

  const allWell = () =>
    until(
      'three servers that are well',
      async () => {
        const { status, text } = await ask(`http://${client.api}/v1/operator/autopilot/health`);
        return status === 200 && (JSON.parse(text) as { FailureTolerance: number }).FailureTolerance === 1;
      },
      { ms: 60_000 },
    );
  const replace = async (node: Node) => {
    const { code, output } = await runToEnd(process.execPath, [MUSTER, 'reload', '-process'], {
      env: { CONSUL_HTTP_ADDR: node.api },
    });
    expect(output).toMatch(/^Process \d+ serves now/);
    expect(code).toBe(0);
  };
  const showOnFailure = () =>
    onTestFailed(() => {
      for (const [name, program] of running)
        process.stdout.write(`--- ${name}\n${program.output().slice(-6_000)}\n`);
    });
  const leaderOf = (node: Node) => getJson<string>(`http://${node.api}/v1/status/leader`);

  /** Writes through each of `by` under a name of its own and reads through each of them, until told to stop. */
  const work = (name: string, by: Node[]) => {
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const written = by.map(() => 0);
    const loops = by.flatMap(({ api }, at) => {
      let index = 0;
      return [
        oneByOne(async () => {
          await put(`http://${api}/v1/kv/${name}/${at}/${written[at]}`, 'x', agent);
          written[at] = (written[at] as number) + 1;
        }),
        oneByOne(async () => {
          const answer = await ask(`http://${api}/v1/kv/${name}/?keys`, { agent });
          const now = indexOf(answer);
          // Before the first write there is nothing to read.
          if (![200, 404].includes(answer.status) || now < index)
            throw new Error(`${answer.status} ${answer.text.slice(0, 100)}, index ${now} after ${index}`);
          index = now;
        }),
      ];
    });
    return {
      begun: () => until('first writes', async () => written.every((count) => count > 0)),
      /** Nothing failed, nothing is lost, wherever it is read. */
      async end() {
        const ended = await Promise.all(loops.map((loop) => loop.end()));
        expect(ended.flatMap(({ failed }) => failed)).toEqual([]);
        for (const { api } of [...nodes.servers, client])
          for (const [at, count] of written.entries()) {
            // A node that cannot ask another just now answers with what it knows.
            const keys = () => getJson<string[]>(`http://${api}/v1/kv/${name}/${at}/?keys`);
            await until(`all writes to be seen at ${api}`, async () => (await keys()).length === count);
          }
      },
    };
  };

  it('the server that leads, then another: no write is refused or lost, no read fails, and somebody leads', async () => {
    showOnFailure();
    const first = await leaderOf(client);
    const leading = nodes.servers.find(({ links }) => links === first) as Node;
    const other = nodes.servers.find((node) => node !== leading) as Node;
    for (const node of [leading, other]) {
      await allWell();
      const going = work(node.name, [leading, other, client]);
      await going.begun();
      await replace(node);
      await allWell();
      await going.end();
      const links = nodes.servers.map((one) => one.links);
      await until('one of them to lead', async () => links.includes(await leaderOf(client)));
      for (const one of nodes.servers)
        await until(
          `${one.name} to know who leads`,
          async () => (await leaderOf(one)) === (await leaderOf(client)),
        );
    }
  });

  it('an agent: its writes, reads and traffic go on, and what is registered on it', async () => {
    showOnFailure();
    const proxy = `http://127.0.0.1:${client.ports.proxy}`;
    const backend = await startBackend('a');
    const registration = registrationOf(backend, 'web', '/');
    // Longer than a busy machine takes to answer it.
    registration.Check.Timeout = '30s';
    await put(`http://${client.api}/v1/agent/service/register`, registration);
    await until('a route', async () => (await ask(proxy)).status === 200);
    const load = Load.begin(`${proxy}/`, 100);
    const going = work('agent', [client]);
    await going.begun();
    const status = async () => {
      const [check] = await getJson<{ Status: string }[]>(
        `http://${nodes.servers[0]?.api}/v1/health/checks/web`,
      );
      return check?.Status;
    };
    await until('its check to pass at a server', async () => (await status()) === 'passing');
    const seen: (string | undefined)[] = [];
    const watching = oneByOne(async () => {
      const now = await status();
      if (seen.at(-1) !== now) seen.push(now);
    });
    await replace(client);
    await going.end();
    expect((await watching.end()).failed).toEqual([]);
    expect(seen.filter((one) => one !== 'passing')).toEqual([]);
    expect(failures(await load.end())).toEqual([]);
    const member = await getJson<{ Status: string }[]>(
      `http://${nodes.servers[0]?.api}/v1/health/node/client-1`,
    );
    expect(member.map((check) => check.Status)).not.toContain('critical');
  });
});
