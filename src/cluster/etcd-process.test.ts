import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger, type LogLine } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { EtcdProcess } from './etcd-process.ts';

const FLAGS = {
  name: 'server-0',
  token: 't',
  initialCluster: '',
  isNew: true,
  peerUrl: 'http://127.0.0.1:1',
};

it('is tried again and again where there is no room even for its process ID', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-etcd-process-'));
  const binary = path.join(folder, 'etcd');
  const directory = path.join(folder, 'data');
  const starts = path.join(folder, 'starts');
  // It ends at once, as one does that cannot write, and takes the directory along.
  writeFileSync(binary, `#!/bin/sh\necho x >> ${starts}\nrm -rf ${directory}\ntouch ${directory}\nexit 1\n`);
  chmodSync(binary, 0o755);
  const lines: LogLine[] = [];
  const logger = createLogger({ level: 'info', sink: (line) => lines.push(line) });
  const etcd = new EtcdProcess({ binary, directory, logger, onRemoved: () => {} });
  onTestFinished(async () => {
    await etcd.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  etcd.start(FLAGS);
  const told = () => lines.filter(({ message }) => message === 'etcd cannot be started, it is tried again');
  await soon(() => expect(told().length).toBeGreaterThan(1));
  rmSync(directory);
  const count = () => lines.filter(({ message }) => message.startsWith('etcd has ended')).length;
  const before = count();
  await soon(() => expect(count()).toBeGreaterThan(before));
});
