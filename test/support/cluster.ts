import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFailed } from 'vitest';
import { inRoot, MUSTER } from '../../scripts/support/paths.mjs';
import { type Running, start, until } from '../../scripts/support/processes.mjs';
import { temporaryFolder } from './muster.ts';
import { Network, type NetworkName } from './network.ts';

const run = promisify(execFile);

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** One request from inside a machine: its API listens on loopback. */
const ASK = inRoot('test/support/ask.mjs');

/**
 * A cluster of real agents on machines of their own. Numbers up to `servers` are servers, those above are clients.
 */
export class TestCluster {
  readonly network: Network;
  readonly #servers: number;
  readonly #folder: string;
  readonly #removeFolder: () => void;
  readonly key = randomBytes(32).toString('base64');
  readonly #agents = new Map<number, Running>();
  readonly #askers = new Map<number, Asker>();

  constructor(name: NetworkName, { servers, clients = 0 }: { servers: number; clients?: number }) {
    this.network = new Network(name);
    this.#servers = servers;
    const { folder, remove } = temporaryFolder();
    this.#folder = folder;
    this.#removeFolder = remove;
    for (let number = 1; number <= servers + clients; number++) this.network.add(number);
    this.tell();
  }

  get numbers(): number[] {
    return [...this.#agents.keys()];
  }

  /** Writes down where the servers are: what somebody's inventory would say. */
  tell(): void {
    const lines = Array.from({ length: this.#servers }, (_, at) => this.network.address(at + 1));
    writeFileSync(join(this.#folder, 'servers'), `# servers\n${lines.join('\n')}\n`);
  }

  start(number: number, flags: string[] = []): void {
    const address = this.network.address(number);
    const role = number <= this.#servers ? ['-server', `-bootstrap-expect=${this.#servers}`] : [];
    const args = [
      ...role,
      `-node=n${number}`,
      `-data-dir=${this.data(number)}`,
      `-bind=${address}`,
      `-encrypt=${this.key}`,
      `-retry-join=file:${join(this.#folder, 'servers')}`,
      '-log-level=debug',
      '-balancer=false',
      ...flags,
    ];
    const [command, rest] = this.network.on(number, [process.execPath, MUSTER, 'agent', ...args]);
    this.#agents.set(number, start(command, rest));
  }

  data(number: number): string {
    return join(this.#folder, `n${number}`);
  }

  /** Whether the etcd of this server leads the others'. */
  async leadsEtcd(number: number): Promise<boolean> {
    const endpoint = `unix://${join(this.data(number), 'cluster', 'etcd', 'client:0')}`;
    const args = [`--endpoints=${endpoint}`, 'endpoint', 'status', '--write-out=json'];
    const { stdout } = await run('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' } });
    const [{ Status }] = JSON.parse(stdout) as [
      { Status: { header: { member_id: number }; leader: number } },
    ];
    return Status.header.member_id === Status.leader;
  }

  wipe(number: number): void {
    rmSync(this.data(number), { recursive: true, force: true });
  }

  agent(number: number): Running {
    return this.#agents.get(number) as Running;
  }

  async kill(number: number): Promise<void> {
    await this.agent(number).kill();
    this.#agents.delete(number);
  }

  /** A request to the agent of a machine. Rejects when there is no answer within `timeout` ms. */
  ask(
    number: number,
    path: string,
    { method = 'GET', body = '', timeout = 8_000 } = {},
  ): Promise<HttpAnswer> {
    let asker = this.#askers.get(number);
    if (asker === undefined || !asker.program.running()) {
      asker = new Asker(this.network.on(number, [process.execPath, ASK]));
      this.#askers.set(number, asker);
    }
    return asker.ask({ method, path, body, timeout });
  }

  async json<T>(number: number, path: string): Promise<T> {
    const { status, text } = await this.ask(number, path);
    if (status !== 200) throw new Error(`${path} on n${number}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Writes until it is acknowledged: while a leader is elected, which takes a busy machine its time, writes are refused. */
  async put(number: number, key: string, value: string): Promise<void> {
    await until(`${key} to be written through n${number}`, async () => {
      const { status, text } = await this.ask(number, `/v1/kv/${key}`, { method: 'PUT', body: value });
      if (status !== 200) throw new Error(`${status} ${text}`);
      return true;
    });
  }

  /** What the agent answers at once: with a majority what is true now, else what it last knew. Undefined: nothing, or no answer. */
  async get(number: number, key: string): Promise<string | undefined> {
    const { status, text } = await this.ask(number, `/v1/kv/${key}?raw`);
    return status === 200 ? text : undefined;
  }

  /** What is true now: asks until a majority can say. Undefined: it says that there is nothing. */
  async read(number: number, key: string): Promise<string | undefined> {
    const { status, text } = await until(`n${number} to read ${key} from a majority`, async () => {
      const answer = await this.ask(number, `/v1/kv/${key}?raw&consistent`);
      if (answer.status !== 200 && answer.status !== 404) throw new Error(`${answer.status} ${answer.text}`);
      return answer;
    });
    return status === 200 ? text : undefined;
  }

  /** `muster VERB…` on a machine. Resolves with its output, rejects when it fails. */
  async cli(number: number, ...args: string[]): Promise<string> {
    const [command, rest] = this.network.on(number, [process.execPath, MUSTER, ...args]);
    return (await run(command, rest)).stdout;
  }

  /** Waits until a write through this agent is acknowledged. */
  async writable(number: number, ms = 60_000): Promise<void> {
    await until(
      `a write through n${number}`,
      async () => (await this.ask(number, '/v1/kv/writable', { method: 'PUT', body: 'x' })).status === 200,
      { ms },
    );
  }

  /** Members by name with their state as `muster members` shows it. */
  async members(number: number): Promise<Record<string, number>> {
    const list = await this.json<{ Name: string; Status: number }[]>(number, '/v1/agent/members');
    return Object.fromEntries(list.map(({ Name, Status }) => [Name, Status]));
  }

  /** Prints what the agents wrote when the current test fails. */
  showOnFailure(): void {
    onTestFailed(() => {
      for (const [number, agent] of this.#agents)
        process.stdout.write(
          `--- n${number}\n${agent
            .output()
            .replace(/.*DEBUG http.*\n/g, '')
            .slice(-6_000)}\n`,
        );
    });
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#askers.values()].map((asker) => asker.program.kill()));
    await Promise.all([...this.#agents.values()].map((agent) => agent.kill()));
    this.network.remove();
    this.#removeFolder();
  }
}

interface Question {
  method: string;
  path: string;
  body: string;
  timeout: number;
}

/** A small program on a machine that asks its agent what it is told to. */
class Asker {
  readonly program: Running;
  readonly #address: Promise<string>;

  constructor([command, args]: [string, string[]]) {
    const { folder } = temporaryFolder();
    const socket = join(folder, 'ask');
    this.program = start(command, [...args, socket]);
    this.#address = until('the asker', async () => this.program.output().includes('ready'), {
      program: this.program,
    }).then(() => socket);
  }

  async ask(question: Question): Promise<HttpAnswer> {
    const { request } = await import('node:http');
    const socketPath = await this.#address;
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath, method: 'POST', path: '/', timeout: question.timeout + 2_000, agent: false },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(parts).toString();
            if (response.statusCode === 200) resolve(JSON.parse(text) as HttpAnswer);
            else reject(new Error(text));
          });
        },
      );
      call.on('timeout', () => call.destroy(new Error('no answer')));
      call.on('error', reject);
      call.end(JSON.stringify(question));
    });
  }
}
