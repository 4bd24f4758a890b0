import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { start, until } from '../scripts/support/processes.mjs';
import { musterProcess, onPorts, pickPorts, testFolder, writeConfig } from './support/muster.ts';

/** A datagram socket such as systemd's, which Node has no door for: prints what it is told. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True: print(s.recv(4096).decode(), flush=True)`;

it('tells systemd when it is ready, that it is alive, and when it stops', async () => {
  const home = testFolder();
  const path = join(home, 'notify');
  const systemd = start('python3', ['-c', LISTENER, path]);
  onTestFinished(async () => {
    await systemd.kill();
  });
  await until('the socket', () => systemd.output().includes('bound'), { program: systemd });
  const config = writeConfig(home, onPorts({ node: { dev: true } }, await pickPorts()));
  const muster = musterProcess(['agent', '-config-file', config], {
    NOTIFY_SOCKET: path,
    WATCHDOG_USEC: '200000',
  });
  await until('signs of life', () => (systemd.output().match(/WATCHDOG=1/g)?.length ?? 0) > 2, {
    program: muster,
  });
  expect(systemd.output()).toMatch(/^bound\nREADY=1\n/);
  await muster.stop();
  await until('the end', () => systemd.output().includes('STOPPING=1'));
});
