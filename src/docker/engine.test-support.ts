import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A real engine for tests: Debian's docker.io, with busybox-static as the only program in its only image. */
const BUSYBOX = '/usr/bin/busybox';
const PROGRAMS = ['sh', 'sleep', 'nc', 'httpd', 'cat'];
const START_WITHIN = 30_000;

export const TEST_IMAGE = 'muster-test';

/** What this machine lacks for a real engine; [] when it has all. */
export const missingForEngine: readonly string[] = [
  ...(isOnPath('dockerd') ? [] : ['dockerd (Debian: docker.io)']),
  ...(existsSync(BUSYBOX) ? [] : ['busybox (Debian: busybox-static)']),
  ...(process.getuid?.() === 0 ? [] : ['the rights of root']),
];

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

export interface ContainerRequest {
  Image?: string;
  Cmd?: string[];
  Env?: string[];
  Labels?: Record<string, string>;
  ExposedPorts?: Record<string, object>;
  Hostname?: string;
  HostConfig?: Record<string, unknown>;
  NetworkingConfig?: unknown;
}

/** An engine with a folder and a socket of its own; nothing of it is left after `close`. */
export class TestEngine {
  readonly #folder: string;
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #log = '';

  /** Rejects when no engine can run here, with the end of its log. */
  static async start(flags: readonly string[] = []): Promise<TestEngine> {
    const engine = new TestEngine(flags);
    try {
      await engine.boot();
      await engine.#importImage();
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  private constructor(flags: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'muster-docker-'));
    this.#flags = flags;
  }

  get socketPath(): string {
    return join(this.#folder, 'docker.sock');
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${this.socketPath}`;
  }

  /** Starts the daemon (again); resolves once it answers. */
  async boot(): Promise<void> {
    const { engine, exited } = this.#spawn();
    let isRunning = true;
    this.#process = engine;
    this.#exited = exited.then(() => {
      isRunning = false;
    });
    for (const end = Date.now() + START_WITHIN; Date.now() < end; ) {
      if (!isRunning) throw new Error(`dockerd ended:\n${this.#log}`);
      if ((await this.call('GET', '/_ping').catch(() => '')) === 'OK') return;
      await pause(50);
    }
    throw new Error(`dockerd does not answer:\n${this.#log}`);
  }

  #spawn() {
    const engine = spawn(
      'dockerd',
      [
        '--storage-driver=vfs',
        `--host=${this.host}`,
        `--data-root=${join(this.#folder, 'data')}`,
        `--exec-root=${join(this.#folder, 'exec')}`,
        `--pidfile=${join(this.#folder, 'pid')}`,
        '--bridge=none',
        '--iptables=false',
        '--ip6tables=false',
        ...this.#flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [engine.stdout, engine.stderr])
      stream.on('data', (chunk) => {
        this.#log = `${this.#log}${chunk}`.slice(-2000);
      });
    const exited = new Promise<void>((resolve) => {
      engine.on('exit', () => resolve());
      engine.on('error', () => resolve());
    });
    return { engine, exited };
  }

  /** As a crash would. The containers go on until the daemon is there again. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#exited;
  }

  /** One call of the Docker Engine API; rejects with the engine's words unless it is granted. */
  call(method: string, path: string, body: Buffer | object = Buffer.alloc(0)): Promise<string> {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    const headers = { 'Content-Type': type, 'Content-Length': content.length };
    return new Promise((resolve, reject) => {
      request({ socketPath: this.socketPath, method, path, headers, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => ((answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(text))));
      })
        .on('error', reject)
        .end(content);
    });
  }

  /** Creates and starts; resolves to the ID. */
  async run(name: string, wanted: ContainerRequest = {}): Promise<string> {
    const made = await this.call('POST', `/containers/create?name=${name}`, {
      Image: TEST_IMAGE,
      Cmd: ['/bin/sleep', '600'],
      ...wanted,
      HostConfig: { NetworkMode: 'none', ...wanted.HostConfig },
    });
    await this.call('POST', `/containers/${name}/start`);
    return (JSON.parse(made) as { Id: string }).Id;
  }

  async remove(name: string): Promise<void> {
    await this.call('DELETE', `/containers/${name}?force=1`);
  }

  /** Removes all containers and networks, then the engine. Idempotent. */
  async close(): Promise<void> {
    if (this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null) {
      await this.#removeAll().catch(() => {});
      this.#process.kill('SIGTERM');
      await this.#exited;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #removeAll(): Promise<void> {
    const containers = JSON.parse(await this.call('GET', '/containers/json?all=1')) as { Id: string }[];
    await Promise.all(containers.map(({ Id }) => this.remove(Id)));
    await this.call('POST', '/networks/prune');
  }

  async #importImage(): Promise<void> {
    const programs = join(this.#folder, 'image', 'bin');
    mkdirSync(programs, { recursive: true });
    copyFileSync(BUSYBOX, join(programs, 'busybox'));
    for (const name of PROGRAMS) symlinkSync('busybox', join(programs, name));
    const tar = execFileSync('tar', ['-C', join(this.#folder, 'image'), '-c', '.'], {
      maxBuffer: 64 * 1024 * 1024,
    });
    await this.call('POST', `/images/create?fromSrc=-&repo=${TEST_IMAGE}`, tar);
  }
}
