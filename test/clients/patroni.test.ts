import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePorts, type Running, until } from '../../scripts/support/processes.mjs';
import { groupId, userId } from '../../src/lib/accounts.ts';
import { ask, getJson } from '../support/http.ts';
import { testFolder, testMuster } from '../support/muster.ts';
import { outputOf, testProgram } from './programs.ts';

/** Debian's PostgreSQL keeps its server's programs in a folder for each version. */
const POSTGRES = '/usr/lib/postgresql';
const SCOPE = 'orders';
const USER = 'postgres';

/** PostgreSQL refuses to run as root: whoever is root runs it as the user that Debian's package made. */
const asUser =
  process.getuid?.() === 0 ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--init-groups'] : [];

interface Member {
  name: string;
  port: number;
  program: Running;
}

function binaries(): string {
  const [newest] = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a));
  return join(POSTGRES, newest ?? '', 'bin');
}

/** Patroni with a PostgreSQL of its own. Its times are the shortest that leave room on a busy machine. */
async function startMember(name: string, consul: string): Promise<Member> {
  const folder = testFolder();
  const [port = 0, rest = 0] = await freePorts(2);
  const connection = (user: string) => ({ username: user, password: 'secret' });
  const config = {
    scope: SCOPE,
    name,
    restapi: { listen: `127.0.0.1:${rest}`, connect_address: `127.0.0.1:${rest}` },
    consul: { host: consul, register_service: true, service_tags: ['tested'], service_check_interval: '1s' },
    bootstrap: {
      dcs: {
        ttl: 4,
        loop_wait: 1,
        retry_timeout: 3,
        postgresql: {
          use_slots: false,
          parameters: { fsync: 'off', shared_buffers: '16MB', max_connections: 20, max_wal_senders: 4 },
        },
      },
      initdb: ['no-sync', { encoding: 'UTF8' }, { locale: 'C' }],
    },
    postgresql: {
      listen: `127.0.0.1:${port}`,
      connect_address: `127.0.0.1:${port}`,
      data_dir: join(folder, 'data'),
      bin_dir: binaries(),
      pgpass: join(folder, 'pgpass'),
      authentication: { superuser: connection(USER), replication: connection('copier') },
      pg_hba: [
        'local all all trust',
        'host all all 127.0.0.1/32 trust',
        'host replication all 127.0.0.1/32 trust',
      ],
      parameters: { unix_socket_directories: folder },
    },
  };
  const file = join(folder, 'patroni.yml');
  // JSON is YAML too.
  writeFileSync(file, JSON.stringify(config));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  if (asUser.length > 0)
    for (const path of [folder, file, join(folder, 'data')]) chownSync(path, userId(USER), groupId(USER));
  const [command = 'patroni', ...args] = [...asUser, 'patroni', file];
  return { name, port, program: testProgram(command, args) };
}

const sql = ({ port }: Member, statement: string) =>
  outputOf('psql', ['-h', '127.0.0.1', '-p', String(port), '-U', USER, '-d', USER, '-Atqc', statement]);

it('Patroni keeps one leader by its lock, tells of it by tags, and fails over when it is killed', async () => {
  // Patroni asks for a session of half its TTL, which Consul allows from 10 s on.
  const { api } = await testMuster('agent', { node: { dev: true }, api: { session_ttl_min: '1s' } });
  const consul = new URL(api).host;
  const leader = async () => {
    const { status, text } = await ask(`${api}/v1/kv/service/${SCOPE}/leader?raw`);
    return status === 200 ? text : undefined;
  };
  /** Ports of the members that are registered, pass and have this role. */
  const portsOf = async (role: 'master' | 'replica') =>
    (
      await getJson<{ Service: { Port: number; Tags: string[] } }[]>(
        `${api}/v1/health/service/${SCOPE}?passing&tag=${role}&tag=tested`,
      )
    ).map(({ Service }) => Service.Port);

  const a = await startMember('a', consul);
  await until('a to lead', async () => (await leader()) === 'a' && (await portsOf('master'))[0] === a.port, {
    program: a.program,
    ms: 60_000,
  });
  const b = await startMember('b', consul);
  await until('b to follow', async () => (await portsOf('replica'))[0] === b.port, {
    program: b.program,
    ms: 60_000,
  });
  expect(await leader()).toBe('a');
  await sql(a, 'create table orders (id int); insert into orders values (42)');
  await until('the row to be copied', async () => (await sql(b, "select to_regclass('orders')")) !== '\n', {
    program: b.program,
  });

  // All of it at once, without a word: the session ends by its TTL, and with it the leader's key.
  await a.program.kill();
  await until('b to lead', async () => (await leader()) === 'b' && (await portsOf('master'))[0] === b.port, {
    program: b.program,
    ms: 60_000,
  });
  expect(await portsOf('master')).toEqual([b.port]);
  expect(await sql(b, 'insert into orders values (43); select id from orders order by id')).toBe('42\n43\n');
  const members = await getJson<string[]>(`${api}/v1/kv/service/${SCOPE}/members/?keys`);
  expect(members).toEqual([`service/${SCOPE}/members/b`]);
});
