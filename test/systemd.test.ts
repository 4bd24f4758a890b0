import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freePorts, start, until } from '../scripts/support/processes.mjs';
import { ask } from './support/http.ts';
import { musterProcess, onPorts, pickPorts, testFolder, writeConfig } from './support/muster.ts';

/** A datagram socket such as systemd's, which Node has no door for: prints what it is told. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True: print(s.recv(4096).decode(), flush=True)`;

/** What is told, as it comes, and the variables that ask for it. */
async function serviceManager(home: string) {
  const path = join(home, 'notify');
  const systemd = start('python3', ['-c', LISTENER, path]);
  onTestFinished(async () => {
    await systemd.kill();
  });
  await until('the socket', () => systemd.output().includes('bound'), { program: systemd });
  return { told: () => systemd.output(), env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' } };
}

it('tells systemd when it is ready, that it is alive, and when it stops', async () => {
  const home = testFolder();
  const { told, env } = await serviceManager(home);
  const config = writeConfig(home, onPorts({ node: { dev: true } }, await pickPorts()));
  const muster = musterProcess(['agent', '-config-file', config], env);
  await until('signs of life', () => (told().match(/WATCHDOG=1/g)?.length ?? 0) > 2, { program: muster });
  expect(told()).toMatch(/^bound\nREADY=1\n/);
  await muster.stop();
  await until('the end', () => told().includes('STOPPING=1'));
});

// It waited for a server, and was ended by systemd meanwhile.
it('tells systemd that an agent is ready while no server can be reached, once its API is open', async () => {
  const home = testFolder();
  const { told, env } = await serviceManager(home);
  const ports = await pickPorts();
  const [nobody] = await freePorts(1);
  const cluster = { retry_join: [`127.0.0.1:${nobody}`], encrypt: randomBytes(32).toString('base64') };
  const pid_file = join(home, 'pid');
  const node = { data_dir: join(home, 'data'), pid_file };
  const config = writeConfig(home, onPorts({ node, cluster }, ports));
  const muster = musterProcess(['agent', '-config-file', config], env);
  await until('signs of life', () => (told().match(/WATCHDOG=1/g)?.length ?? 0) > 2, { program: muster });
  expect(told()).toMatch(/^bound\nREADY=1\n/);
  expect((await ask(`http://127.0.0.1:${ports.http}/v1/agent/self`)).status).toBe(200);
  expect(readFileSync(pid_file, 'utf8')).toBe(`${muster.pid}\n`);
  // As `systemctl reload` does.
  process.kill(muster.pid, 'SIGHUP');
  await until('a reload', () => muster.output().includes('the configuration was read again'));
  expect(await muster.stop()).toMatchObject({ code: 0 });
  await until('the end', () => told().includes('STOPPING=1'));
  expect(existsSync(pid_file)).toBe(false);
});

it('tells systemd when all templates were rendered', async () => {
  const home = testFolder();
  const { told, env } = await serviceManager(home);
  const [source, out] = [join(home, 'in'), join(home, 'out')];
  writeFileSync(source, `{{ file "${join(home, 'late')}" }}`);
  const muster = musterProcess(['template', '-template', `${source}:${out}`], env);
  await until('a look at the file', () => muster.output().includes('cannot read'), { program: muster });
  expect(told()).toBe('bound\n');
  // Whole from its first moment: it might be read between its making and its writing.
  writeFileSync(join(home, 'early'), 'here');
  renameSync(join(home, 'early'), join(home, 'late'));
  await until('signs of life', () => told().includes('WATCHDOG=1'), { program: muster });
  expect(told()).toMatch(/^bound\nREADY=1\n/);
  expect(readFileSync(out, 'utf8')).toBe('here');
  await muster.stop();
  await until('the end', () => told().includes('STOPPING=1'));
});
