import { describe, expect, it } from 'vitest';
import { inRoot } from '../scripts/support/paths.mjs';
import { runs, start, until } from '../scripts/support/processes.mjs';
import { ask } from './support/http.ts';
import { type ConfigFile, onPorts, pickPorts, stack, testFolder, writeConfig } from './support/muster.ts';

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with everything that it started on %s to npm',
    async (signal) => {
      const [hello] = stack('hello').group as ConfigFile[];
      const config = { node: { dev: true }, group: [{ ...hello, replicas: 2 }] };
      const ports = await pickPorts();
      const path = writeConfig(testFolder(), onPorts(config, ports));
      const npm = start('npm', ['start', '--', path], { cwd: inRoot() });
      try {
        await until('the first request', () => npm.output().includes('First request'), {
          program: npm,
          ms: 60_000,
        });
        expect((await ask(`http://127.0.0.1:${ports.proxy}/hello/api/v1`)).status).toBe(200);
        // npm, its shell, the script, Muster, what ends its children should it be killed, and two replicas: the first one answers alone, too.
        const family = await until('all that it starts', () => {
          const found = npm.family();
          return found.length >= 6 && found;
        });
        process.kill(npm.pid, signal);
        await until('all to end', () => !family.some(runs));
      } finally {
        await npm.kill();
      }
    },
  );
});
