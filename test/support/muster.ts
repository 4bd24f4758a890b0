import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'smol-toml';
import { onTestFailed, onTestFinished } from 'vitest';
import { inRoot, MUSTER } from '../../scripts/support/paths.mjs';
import { freePorts, type Running, start, until } from '../../scripts/support/processes.mjs';
import { ask } from './http.ts';

/** What a configuration file says, as plain values in snake_case. */
export type ConfigFile = Record<string, unknown>;

export interface Muster {
  readonly program: Running;
  /** URL of the HTTP API and the dashboard. */
  readonly api: string;
  /** URL of the balancer. */
  readonly proxy: string;
  /** URL of the balancer's admin interface. */
  readonly admin: string;
  readonly dnsPort: number;
}

export interface Ports {
  http: number;
  dns: number;
  server: number;
  lan: number;
  wan: number;
  proxy: number;
  admin: number;
}

/** A directory of the current test or suite, removed when `cleanUp` is called. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'muster-e2e-'));
  // What was killed may write its last there.
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }) };
}

/** A directory that is removed when the current test has ended. */
export function testFolder(): string {
  const { folder, remove } = temporaryFolder();
  onTestFinished(remove);
  return folder;
}

/** A port of its own for every listener. */
export async function pickPorts(): Promise<Ports> {
  const [http = 0, dns = 0, server = 0, lan = 0, wan = 0, proxy = 0, admin = 0] = await freePorts(7);
  return { http, dns, server, lan, wan, proxy, admin };
}

/**
 * Of groups: files of tests that run at the same time do not know on which ports the instances of others are about to listen, so each has a range
 * of its own.
 */
const FIRST = 20_000 + (Number(process.env.VITEST_POOL_ID ?? 0) % 3) * 3_000;
const PORT_RANGE = `${FIRST}-${FIRST + 2_999}`;

/** `config` with every listener on the given ports. One thread carries the traffic unless it says otherwise: each costs a fifth of a start. */
export function onPorts(config: ConfigFile, ports: Ports): ConfigFile {
  const groups = config.group as ConfigFile[] | undefined;
  return {
    ...config,
    ...(groups === undefined ? {} : { group: groups.map((one) => ({ port_range: PORT_RANGE, ...one })) }),
    ports: {
      ...(config.ports as ConfigFile | undefined),
      http: ports.http,
      dns: ports.dns,
      server: ports.server,
      serf_lan: ports.lan,
      serf_wan: ports.wan,
    },
    balancer: {
      workers: 1,
      ...(config.balancer as ConfigFile | undefined),
      listen: [`127.0.0.1:${ports.proxy}`],
      admin: `127.0.0.1:${ports.admin}`,
    },
  };
}

/** `config`, whose traffic is carried by two threads as on a machine with two cores. */
export function withTwoWorkers(config: ConfigFile): ConfigFile {
  return { ...config, balancer: { ...(config.balancer as ConfigFile | undefined), workers: 2 } };
}

/** A stack of the checkout as it stands there; its groups run where they would, wherever a copy is written. */
export function stack(name: string): ConfigFile {
  const path = inRoot('stacks', `${name}.toml`);
  const config = parse(readFileSync(path, 'utf8')) as ConfigFile;
  const groups = (config.group as ConfigFile[] | undefined) ?? [];
  return {
    ...config,
    group: groups.map((group) => ({
      ...group,
      cwd: resolve(dirname(path), (group.cwd as string | undefined) ?? '.'),
    })),
  };
}

/**
 * All stacks with what belongs to them, copied into `folder`, for those that write beside themselves. Answers the folder
 * of the copies: programs and apps are where the files look for them.
 */
export function copyOfStacks(folder: string): string {
  const copies = join(folder, 'stacks');
  cpSync(inRoot('stacks'), copies, { recursive: true, filter: (path) => !path.endsWith('/.muster') });
  for (const name of ['apps', 'bin']) symlinkSync(inRoot(name), join(folder, name));
  return copies;
}

export function writeConfig(folder: string, config: ConfigFile): string {
  const path = join(folder, 'muster.toml');
  writeFileSync(path, stringify(config));
  return path;
}

/** Whether an agent has said where it can be reached: all of it has begun. */
export function serves(agent: Running): boolean {
  return /^ +HTTP API /m.test(agent.output());
}

/** Starts the program without waiting for anything; it is ended with the current test. */
export function musterProcess(args: string[], env: NodeJS.ProcessEnv = {}): Running {
  const program = start(process.execPath, [MUSTER, ...args], { env });
  onTestFinished(async () => {
    await program.kill();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of ${program.name}\n${program.output()}\n`);
  });
  return program;
}

/**
 * Starts `muster VERB` with a configuration on free ports, and waits until it answers; an agent also until it says where, behind which it can
 * be replaced. The caller ends it.
 */
export async function startMuster(
  verb: 'agent' | 'up',
  config: ConfigFile,
  folder: string,
  ports?: Ports,
  env: NodeJS.ProcessEnv = {},
): Promise<Muster> {
  const own = ports ?? (await pickPorts());
  const path = writeConfig(folder, onPorts(config, own));
  const args = verb === 'up' ? ['up', path] : ['agent', '-config-file', path];
  const program = start(process.execPath, [MUSTER, ...args], { env });
  const muster: Muster = {
    program,
    api: `http://127.0.0.1:${own.http}`,
    proxy: `http://127.0.0.1:${own.proxy}`,
    admin: `http://127.0.0.1:${own.admin}`,
    dnsPort: own.dns,
  };
  try {
    await until(
      'the agent to have a leader',
      async () => (await ask(`${muster.api}/v1/status/leader`)).text.length > 2,
      { program },
    );
    if (verb === 'agent') await until('the agent to serve', () => serves(program), { program });
  } catch (error) {
    await program.kill();
    throw error;
  }
  return muster;
}

/** The same for one test: ended with it, its output shown when it failed. */
export async function testMuster(
  verb: 'agent' | 'up',
  config: ConfigFile = { node: { dev: true } },
  folder: string = testFolder(),
  env: NodeJS.ProcessEnv = {},
): Promise<Muster> {
  const muster = await startMuster(verb, config, folder, undefined, env);
  onTestFinished(async () => {
    await muster.program.stop();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of ${muster.program.name}\n${muster.program.output()}\n`);
  });
  return muster;
}
