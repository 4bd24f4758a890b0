import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { replace, served } from './support/handover.ts';
import { testFolder, testMuster } from './support/muster.ts';

it.each(['with clients that it waits for', 'without'])(
  'an agent that another process took over from ends with a failure as soon as that one dies, %s',
  async (clients) => {
    const folder = testFolder();
    const config = { node: { data_dir: join(folder, 'data') }, balancer: { drain_timeout: '10m' } };
    const { program, api } = await testMuster('agent', config, folder);
    if (clients !== 'without') {
      const reader = http.get(`${api}/v1/agent/monitor`);
      reader.on('error', () => {});
      onTestFinished(() => void reader.destroy());
      await once(reader, 'response');
    }
    await replace(program);
    process.kill(served(program).at(-1) as number, 'SIGKILL');
    expect((await program.exited).code).toBe(1);
    await program.silent;
    expect(program.output()).toContain('the process that took over has died');
  },
);
