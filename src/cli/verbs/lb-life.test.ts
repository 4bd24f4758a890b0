/** What signals do to a balancer, and what is left behind when it ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask, backend, balancer, folder, muster, until } from './lb.test-support.ts';

describe('muster lb goes on at SIGHUP and says how it is replaced', () => {
  const hangUp = async ({ child, seen }: ReturnType<typeof muster>, url: string) => {
    child.kill('SIGHUP');
    await until(
      () =>
        seen.text.includes(`muster reload -process -pid ${child.pid}`) ||
        child.exitCode !== null ||
        child.signalCode !== null,
    );
    expect(await ask(url)).toBe('200 a');
  };

  it.each(['http', 'tcp'])('with upstreams by flags and %s', async (protocol) => {
    const { port } = await backend('a');
    const running = await balancer(`127.0.0.1:${port}`, '-protocol', protocol);
    await hangUp(running, running.url);
  });

  it('with a gobetween file', async () => {
    const { port } = await backend('a');
    const file = join(folder, 'hangup.toml');
    writeFileSync(
      file,
      `[servers.x]\nbind = "127.0.0.1:0"\n[servers.x.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${port}"]\n`,
    );
    const running = muster('-c', file);
    const bound = /bind="?(127\.0\.0\.1:\d+)/;
    await until(() => bound.test(running.seen.text) && running.seen.text.includes('balancing'));
    await hangUp(running, `http://${bound.exec(running.seen.text)?.[1]}/`);
  });
});
