import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePorts, runToEnd, until } from '../scripts/support/processes.mjs';
import { startBackend } from './support/backend.ts';
import { ask } from './support/http.ts';
import { musterProcess, testFolder, testMuster } from './support/muster.ts';

/** Figures of a program once they say all that is wanted, as Prometheus would take them. */
async function figuresOf(args: string[], wanted: RegExp[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const [port = 0] = await freePorts(1);
  const program = musterProcess([...args, '-metrics-listen', `127.0.0.1:${port}`], env);
  let text = '';
  await until(
    `figures with ${wanted.join(', ')}`,
    async () => {
      ({ text } = await ask(`http://127.0.0.1:${port}/metrics`));
      return wanted.every((one) => one.test(text));
    },
    { program },
  );
  const path = join(testFolder(), 'metrics.txt');
  writeFileSync(path, text);
  const checked = await runToEnd('sh', ['-c', 'promtool check metrics < "$1"', 'sh', path]);
  expect(checked.code, checked.output).toBe(0);
  expect((await ask(`http://127.0.0.1:${port}/livez`)).text).toBe('ok\n');
  expect((await ask(`http://127.0.0.1:${port}/`)).status).toBe(404);
  await program.stop();
  return text;
}

describe('figures of programs that are no agents', () => {
  it('muster template', async () => {
    const folder = testFolder();
    const [nobody = 0] = await freePorts(1);
    const [good, bad] = [join(folder, 'in'), join(folder, 'bad')];
    writeFileSync(good, 'as it is');
    writeFileSync(bad, '{{ nothing }}');
    const args = [
      '-template',
      `${good}:${join(folder, 'out')}`,
      '-template',
      `${bad}:${join(folder, 'none')}`,
    ];
    const text = await figuresOf(
      ['template', '-consul-addr', `127.0.0.1:${nobody}`, ...args],
      // One is carried out after the other.
      [/^muster_template_renders_total\{.*\} 1$/m, /^muster_template_errors_total\{output=".*none"\} [1-9]/m],
    );
    expect(text).toMatch(/^muster_template_up_to_date\{output=".*out"\} 1$/m);
    expect(text).toMatch(/^muster_template_up_to_date\{output=".*none"\} 0$/m);
  });

  it('muster registrator, whose engine is away', async () => {
    const { api } = await testMuster('agent');
    const text = await figuresOf(
      ['registrator', api.replace('http:', 'consul:')],
      [/^muster_registrator_engine_losses_total [1-9]/m],
      { DOCKER_HOST: `unix://${join(testFolder(), 'none.sock')}` },
    );
    expect(text).toMatch(/^muster_registrator_up_to_date 0$/m);
    expect(text).toMatch(/^muster_registrator_containers 0$/m);
  });

  it('muster dns', async () => {
    const [port = 0] = await freePorts(1);
    const args = [
      'dns',
      '-listen',
      `127.0.0.1:${port}`,
      '-consul',
      '',
      '-hosts',
      '',
      '-server',
      '127.0.0.1#1',
    ];
    const text = await figuresOf(args, [/^muster_dns_forward_answers_total/m]);
    expect(text).toMatch(/^process_resident_memory_bytes \d/m);
    expect(text).toMatch(/^muster_dns_forward_kept 0$/m);
  });

  it('muster lb', async () => {
    const backend = await startBackend('a');
    const [port = 0] = await freePorts(1);
    const args = ['lb', '-listen', `127.0.0.1:${port}`, '-upstream', `127.0.0.1:${backend.port}`];
    const text = await figuresOf(args, [/^muster_balancer_routes 1$/m]);
    expect(text).toMatch(/^muster_info\{/m);
    expect(text).toMatch(/^muster_balancer_open_connections 0$/m);
  });
});
