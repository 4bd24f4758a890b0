import { afterAll, beforeAll, expect, it } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { runToEnd } from '../scripts/support/processes.mjs';
import { ask, put } from './support/http.ts';
import { type Muster, startMuster, temporaryFolder } from './support/muster.ts';

/** What `muster why` and `muster explain` tell, held against what becomes of requests. */

const home = temporaryFolder();
let muster: Muster;

beforeAll(async () => {
  muster = await startMuster(
    'agent',
    { node: { dev: true }, balancer: { no_route: { status: 421 } } },
    home.folder,
  );
});
afterAll(async () => {
  await muster?.program.stop();
  home.remove();
});

const cli = (...words: string[]) =>
  runToEnd(process.execPath, [MUSTER, ...words], { env: { CONSUL_HTTP_ADDR: muster.api } });

const register = (name: string, definition: object) =>
  put(`${muster.api}/v1/agent/service/register`, { Name: name, Address: '127.0.0.1', ...definition });

const PASSING = { TTL: '1h', Status: 'passing' };

it('why says of instances that pass why the balancer asks none: they were said to get traffic', async () => {
  await register('unchecked', { Port: 8080, Tags: ['urlprefix-/nochk'] });
  await register('portless', { Tags: ['urlprefix-/x'], Check: PASSING });
  await register('plain', { Check: PASSING });
  const [unchecked, portless, plain] = [
    await cli('why', 'unchecked'),
    await cli('why', 'portless'),
    await cli('why', 'plain'),
  ];
  expect(unchecked.code).toBe(1);
  expect(unchecked.output).toMatch(/^unchecked: 0 of 1 instance .*\n {2}\/nochk {2}rr, 0 targets\n/);
  expect(unchecked.output).toMatch(/✗ unchecked .*\n {4}passing .*\n {4}it has no check of its own/);
  expect(portless.code).toBe(1);
  expect(portless.output).toMatch(/^portless: 0 of 1 instance .*\n {2}\/x {2}rr, 0 targets\n/);
  expect(portless.output).toMatch(
    /✗ portless .*\n {4}passing .*\n {4}the instance is registered without a port/,
  );
  // Nothing says who would ask it: whoever asks DNS does.
  expect(plain.output).toMatch(
    /^plain: 1 of 1 instance .*\nNo route leads to it: none of its instances has a tag/,
  );

  // One that gets traffic does not vouch for the other.
  await register('unchecked', { ID: 'checked', Port: 8081, Tags: ['urlprefix-/nochk'], Check: PASSING });
  const both = await cli('why', 'unchecked');
  expect(both.code).toBe(0);
  expect(both.output).toMatch(/^unchecked: 1 of 2 instances/);
  expect(both.output).toMatch(/→ checked /);
  expect(both.output).toMatch(/✗ unchecked /);
});

it.each([
  ['/safe', 'urlprefix-/safe auth=staff', 401],
  ['/old', 'urlprefix-/old redirect=301,https://new.test/', 301],
  ['/nowhere', '', 421],
])(
  'explain tells what the balancer answers for %s by itself: it named an instance, or 404',
  async (path, tag, status) => {
    await register(`by-itself${path.replace('/', '-')}`, { Port: 8082, Tags: [tag], Check: PASSING });
    const url = `${muster.proxy}${path}`;
    expect((await ask(url)).status).toBe(status);
    const { code, output } = await cli('explain', url);
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`→ end +${status}: .*\\n$`));
    expect(output).not.toContain('candidate');
  },
);

it('explain knows what an entrance does not take: it was said to take all', async () => {
  const { code, output } = await cli('explain', muster.proxy.replace('http:', 'https:'));
  expect(code).toBe(1);
  expect(output).toMatch(/\n {2}→ end +closed: .* is for http: .*\n$/);
});
