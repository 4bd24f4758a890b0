import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { parseConfigText, readConfig } from '../../agent/config/read.ts';
import { openAgentLog } from '../../agent/log.ts';
import type { Simulation } from '../../group/autoscale/simulate.ts';
import type { GroupView } from '../../group/view.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

let agent: Agent;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'group-verbs-'));
const STACK = `[node]
dev = true
[ports]
http = 0
dns = 0
[balancer]
enabled = false
[[group]]
name = "idle"
command = ["sleep", "60"]
port_range = "27500-27999"
[group.autoscale]
max = 5
signal = [{ kind = "requests_per_second", target = 10 }]
`;
const file = (name: string) => path.join(directory, name);

beforeAll(async () => {
  fs.writeFileSync(file('stack.toml'), STACK);
  fs.writeFileSync(file('trace.csv'), 'time,load\n0,5\n10m,35\n1h,35\n');
  const config = readConfig([parseConfigText(file('stack.toml'), STACK)]);
  agent = await startAgent(config, { log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }) });
});
afterAll(async () => {
  await agent?.stop();
  fs.rmSync(directory, { recursive: true });
});

async function muster(words: string[]) {
  let [out, err] = ['', ''];
  const code = await run(verbs, words, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from([]),
    env: { CONSUL_HTTP_ADDR: agent.addresses.http[0] },
    color: false,
  });
  return { code, out, err };
}

describe('muster group', () => {
  it('lists, shows and scales', async () => {
    expect((await muster(['group', 'ls'])).out).toMatch(
      /^Group +Ready +Autoscaler.*\nidle +[01]\/1 +1\.\.5 on +1 +idle +-\n$/,
    );
    const scaled = await muster(['group', 'scale', 'idle', '2', '--json']);
    expect((JSON.parse(scaled.out) as GroupView).size).toBe(2);
    expect((await muster(['group', 'show', 'idle'])).out).toMatch(/^Size +2, \d ready\n/);
  });

  it('says what holds a size, and what there is nothing to do about', async () => {
    expect((await muster(['group', 'scale', 'idle', '9'])).err).toBe('the autoscaler holds it at 5\n');
    const paused = await muster(['group', 'pause', 'idle']);
    expect(paused.code).toBe(1);
    expect(paused.err).toContain('no rollout is under way');
    const unknown = await muster(['group', 'show', 'idel']);
    expect(unknown.err).toContain('No group "idel" runs here. There are: idle');
    expect((await muster(['group', 'scale', 'idle', 'many'])).code).toBe(2);
  });
});

describe('muster group simulate', () => {
  it('draws what the policy of a stack would have done', async () => {
    const svg = file('out.svg');
    const { code, out } = await muster([
      'group',
      'simulate',
      file('stack.toml'),
      '-trace',
      file('trace.csv'),
      '-svg',
      svg,
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/Instances +1 to 4, /);
    expect(out).toContain('█ instances');
    expect(fs.readFileSync(svg, 'utf8')).toMatch(/^<svg [\s\S]*<path class="size" d="M[\s\S]*<\/svg>\n$/);
  });

  it('takes a policy from flags alone, and prints JSON', async () => {
    const words = [
      'group',
      'simulate',
      '-trace',
      file('trace.csv'),
      '-max',
      '9',
      '-target',
      '5',
      '-policy',
      'hpa',
      '-boot',
      '0s',
      '--json',
    ];
    const { steps, largest, refused, offered } = JSON.parse((await muster(words)).out) as Simulation;
    expect(largest).toBe(7);
    expect(steps.length).toBe(361);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(offered / 50);
  });

  it.each([
    [['-max', '3', '-target', '1'], 'give the load with -trace FILE'],
    [['-trace', 'none.csv', '-max', '3', '-target', '1'], 'cannot read the trace none.csv'],
    [['-trace', 'T'], 'name a stack file, or give -max and -target'],
    [['-trace', 'T', '-max', '3', '-min', '4', '-target', '1'], 'expected `max` to be `min` at least'],
    [['S', '-trace', 'T', '-group', 'web'], 'there are: idle'],
  ])('%j is refused with a remedy', async (flags, message) => {
    const words = flags.map((word) =>
      word === 'T' ? file('trace.csv') : word === 'S' ? file('stack.toml') : word,
    );
    const { code, err } = await muster(['group', 'simulate', ...words]);
    expect(code).not.toBe(0);
    expect(err).toContain(message);
  });
});
