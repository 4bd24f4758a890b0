import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { missingPrograms } from '../../scripts/support/system-packages.mjs';

/** A real engine for tests: Debian's docker.io, with busybox-static as the only program in its only image. */
const BUSYBOX = '/usr/bin/busybox';
const PROGRAMS = ['sh', 'sleep', 'nc', 'httpd', 'cat'];
/** Of what hangs; on a busy machine it takes a while. */
const START_WITHIN = 90_000;
/** How long containerd may take to end when it is told to. */
const END_WITHIN = 10_000;

/**
 * Networks that no engine of another test takes at the same moment: each looks which ones the machine has before it makes one, but two may
 * look at once. Files of tests that run at the same time have a number each.
 */
const SLOT = Number(process.env.VITEST_POOL_ID ?? 0) % 10;
const OWN_NETWORKS = [`10.${210 + SLOT}.0.0/16`, `172.${20 + SLOT}.0.0/16`, `192.168.${210 + SLOT}.0/24`];

export const TEST_IMAGE = 'muster-test';

/** What this machine lacks for a real engine; [] when it has all. */
export const missingForEngine: readonly string[] = [
  ...missingPrograms('dockerd', 'busybox'),
  ...(process.getuid?.() === 0 ? [] : ['the rights of root']),
];

export interface ContainerRequest {
  Image?: string;
  Cmd?: string[];
  Env?: string[];
  Labels?: Record<string, string>;
  ExposedPorts?: Record<string, object>;
  Hostname?: string;
  StopSignal?: string;
  Healthcheck?: unknown;
  HostConfig?: Record<string, unknown>;
  NetworkingConfig?: unknown;
}

/** An engine with a folder and a socket of its own; nothing of it is left after `close`. */
export class TestEngine {
  readonly #folder: string;
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #containerd: ChildProcess | undefined;
  #containerdExited: Promise<void> = Promise.resolve();
  #log = '';

  /** Rejects when no engine can run here, with the end of its log. */
  static async start(flags: readonly string[] = []): Promise<TestEngine> {
    const engine = new TestEngine(flags);
    try {
      await engine.#startContainerd();
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
    const { engine, exited } = this.#spawn('dockerd', [
      '--storage-driver=vfs',
      `--containerd=${this.#containerdSocket}`,
      `--host=${this.host}`,
      `--data-root=${join(this.#folder, 'data')}`,
      `--exec-root=${join(this.#folder, 'exec')}`,
      `--pidfile=${join(this.#folder, 'pid')}`,
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      ...OWN_NETWORKS.map((base) => `--default-address-pool=base=${base},size=24`),
      ...this.#flags,
    ]);
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

  /** On its own, as systemd starts it: it has to outlive a daemon that is killed. */
  async #startContainerd(): Promise<void> {
    const config = join(this.#folder, 'containerd.toml');
    writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    const { engine, exited } = this.#spawn('containerd', [
      `--config=${config}`,
      `--address=${this.#containerdSocket}`,
      `--root=${join(this.#folder, 'containerd')}`,
      `--state=${join(this.#folder, 'containerd-state')}`,
    ]);
    this.#containerd = engine;
    this.#containerdExited = exited;
    const ended = exited.then(() => true);
    for (const end = Date.now() + START_WITHIN; Date.now() < end; ) {
      if (existsSync(this.#containerdSocket)) return;
      if (await Promise.race([ended, pause(50)])) break;
    }
    throw new Error(`containerd does not start:\n${this.#log}`);
  }

  get #containerdSocket(): string {
    return join(this.#folder, 'containerd.sock');
  }

  #spawn(program: string, args: readonly string[]) {
    const engine = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
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
    // The number in it may soon be another process's; the next daemon would take that for one like itself.
    rmSync(join(this.#folder, 'pid'), { force: true });
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
        answer.on('end', () => {
          const { statusCode = 500 } = answer;
          if (statusCode < 400) resolve(text);
          else reject(new Error(`${method} ${path}: ${statusCode} ${text}`));
        });
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
      await this.removeContainers()
        .then(() => this.call('POST', '/networks/prune'))
        .catch(() => {});
      this.#process.kill('SIGTERM');
      await this.#exited;
    }
    // It takes mounts and files away while it ends: what it leaves is ours to clean up.
    this.#containerd?.kill('SIGTERM');
    const patience = setTimeout(() => this.#containerd?.kill('SIGKILL'), END_WITHIN);
    await this.#containerdExited;
    clearTimeout(patience);
    this.#endLeftovers();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async removeContainers(): Promise<void> {
    const containers = JSON.parse(await this.call('GET', '/containers/json?all=1')) as { Id: string }[];
    await Promise.all(containers.map(({ Id }) => this.remove(Id)));
  }

  /** What a daemon leaves that was killed: shims, their containers, mounts. */
  #endLeftovers(): void {
    const parents = new Map<number, number>();
    const left = new Set<number>();
    for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
        if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(this.#folder)) left.add(pid);
      } catch {
        // Ended in the meantime.
      }
    }
    for (const [pid, parent] of parents) if (left.has(parent)) left.add(pid);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended in the meantime.
      }
    }
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const path of mounts.filter((one) => one.startsWith(`${this.#folder}/`)).reverse()) {
      try {
        execFileSync('umount', ['-l', path], { stdio: 'ignore' });
      } catch {
        // Gone in the meantime, with the mount that it was in or with its process.
      }
    }
  }

  async #importImage(): Promise<void> {
    const tar = execFileSync('tar', ['-C', testImageFolder(this.#folder), '-c', '.'], {
      maxBuffer: 64 * 1024 * 1024,
    });
    await this.call('POST', `/images/create?fromSrc=-&repo=${TEST_IMAGE}`, tar);
  }
}

/** The contents of the image, made in `folder`. */
export function testImageFolder(folder: string): string {
  const programs = join(folder, 'image', 'bin');
  mkdirSync(programs, { recursive: true });
  copyFileSync(BUSYBOX, join(programs, 'busybox'));
  for (const name of PROGRAMS) symlinkSync('busybox', join(programs, name));
  return join(folder, 'image');
}
