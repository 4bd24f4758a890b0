import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../agent/agent.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';
import { startTestAgent, type TestAgent } from './test-agent.test-support.ts';

/** The verbs against a real agent, over its API. */
let world: TestAgent;
let agent: Agent;
const muster: TestAgent['muster'] = (...given) => world.muster(...given);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'verbs-'));

beforeAll(async () => {
  world = await startTestAgent();
  agent = world.agent;
});
afterAll(async () => {
  await agent?.stop();
  fs.rmSync(directory, { recursive: true });
});

describe('services', () => {
  it('are registered from flags and shown', async () => {
    expect(
      (
        await muster(
          'services register -name=web -id=web-1 -port=8080 -address=127.0.0.9 -tag=a -tag=b -meta=k=v',
        )
      ).out,
    ).toBe('Registered service: web\n');
    expect((await muster('catalog services -tags')).out).toBe('consul\nweb     a,b\n');
    expect((await muster('catalog services -node=n1')).out).toBe('consul\nweb\n');
    expect((await muster('catalog nodes -service=web')).out).toMatch(
      /^Node +ID +Address +DC\nn1 +[0-9a-f]{8} +127\.0\.0\.1 +dc1\n$/,
    );
    const health = await muster('health web');
    expect(health).toMatchObject({ code: 0 });
    expect(health.out).toMatch(/^web-1 +n1 +127\.0\.0\.9:8080 +passing$/m);
    await muster('services register -name=portless');
    expect((await muster('health portless')).out).toMatch(/^portless {2}n1 {4}127\.0\.0\.1:0 {2}passing$/m);
    await muster('services deregister -id=portless');
    expect(await muster('health nothing')).toEqual({ code: 1, out: 'no instance of nothing\n', err: '' });
    expect((await muster('services deregister -id=web-1')).out).toBe('Deregistered service: web-1\n');
    expect((await muster('health web -json')).out).toBe('[]\n');
  });

  it('are registered from files in Consul’s notation', async () => {
    const file = path.join(directory, 'db.json');
    fs.writeFileSync(
      file,
      JSON.stringify({
        services: [
          {
            id: 'db-1',
            name: 'db',
            port: 5432,
            tags: ['primary'],
            meta: { some_key: 'kept' },
            enable_tag_override: true,
            checks: [{ id: 'db-ttl', ttl: '1h', status: 'warning', deregister_critical_service_after: '2h' }],
          },
        ],
      }),
    );
    expect((await muster(['services', 'register', file])).out).toBe('Registered service: db\n');
    const [entry] = JSON.parse((await muster('health db -json')).out);
    expect(entry.Service).toMatchObject({
      ID: 'db-1',
      Meta: { some_key: 'kept' },
      EnableTagOverride: true,
    });
    expect(entry.Checks.find(({ CheckID }: { CheckID: string }) => CheckID === 'db-ttl')).toMatchObject({
      Status: 'warning',
    });
    expect((await muster('health db')).code).toBe(1);
    expect((await muster(['services', 'deregister', file])).code).toBe(0);
    expect(await muster(['services', 'register', '/nowhere.json'])).toMatchObject({ code: 2 });
    const hcl = path.join(directory, 'cache.hcl');
    fs.writeFileSync(
      hcl,
      'service { name = "cache" port = 1 check { ttl = "1h" } }\nservice { name = "queue" }\n',
    );
    expect((await muster(['services', 'register', hcl])).out).toBe(
      'Registered service: cache\nRegistered service: queue\n',
    );
    expect((await muster(['services', 'deregister', hcl])).code).toBe(0);
    fs.writeFileSync(file, '{"service": }');
    expect((await muster(['services', 'register', file])).err).toContain(`${file}:1:13: expected a value`);
  });
});

it('maint takes a service out with a reason, and puts it back', async () => {
  await muster('services register -name=api');
  expect((await muster(['maint', '-enable', '-service=api', '-reason=new disk'])).out).toBe(
    'Service maintenance is now enabled for "api"\n',
  );
  expect((await muster('health api')).out).toMatch(/critical .*new disk/);
  expect((await muster('maint')).out).toBe('Service:\n  ID:     api\n  Reason: new disk\n\n');
  await muster('maint -disable -service=api');
  expect((await muster('health api')).code).toBe(0);
  expect((await muster('maint -enable')).out).toBe('Node maintenance is now enabled\n');
  expect((await muster('maint -disable')).out).toBe('Node maintenance is now disabled\n');
});

it('drain leaves maintenance alone that it did not begin: its reason was lost, and -undo ended it', async () => {
  await muster('services register -name=api -port=1');
  const reason = async () => /Reason: (.*)/.exec((await muster('maint')).out)?.[1];
  await muster(['drain', '-reason=new disk', 'api']);
  expect(await reason()).toBe('drained: new disk');
  expect((await muster('drain api')).err).toBe('');
  expect((await muster('drain -undo api')).out).toBe('api takes part again\n');
  expect(await reason()).toBeUndefined();

  await muster(['maint', '-enable', '-service=api', '-reason=bad memory']);
  expect(await muster('drain api')).toMatchObject({
    code: 0,
    err: 'api is in maintenance already, and stays so: bad memory\n',
  });
  const undone = await muster('drain -undo api');
  expect(undone.code).toBe(1);
  expect(undone.err).toContain('`muster maint -disable -service=api` ends that');
  expect(await reason()).toBe('bad memory');
  await muster('services deregister -id=api');
});

it('members, datacenters, info and routes say what there is', async () => {
  expect((await muster('members')).out).toMatch(
    /^Node +Address +Status +Type +Build +Protocol +DC +Segment\nn1 .* alive +server /,
  );
  expect((await muster('catalog datacenters')).out).toBe('dc1\n');
  expect((await muster('info')).out).toMatch(/^agent:\n\tcheck_monitors = /m);
  expect((await muster('routes')).out).toMatch(/^no routes/);
  expect(await muster('explain /x')).toMatchObject({ code: 1 });
});

it('an agent that is not there is told in one sentence', async () => {
  const { code, err } = await muster('members -http-addr=127.0.0.1:1');
  expect(code).toBe(1);
  expect(err).toMatch(/^muster members: no agent answers at http:\/\/127\.0\.0\.1:1: .*\n$/);
  const chaos = await muster('chaos -agent=127.0.0.1:1 -url=http://127.0.0.1:1/');
  expect(chaos).toMatchObject({ code: 1, err: expect.stringMatching(/^muster chaos: no agent answers at /) });
});

it('top draws over what it drew on a screen alone', async () => {
  const drawsOver = async (isScreen: boolean) => {
    let shown = '';
    await run(verbs, ['top', '-every=1ms', '-lines=1'], {
      out: (text) => {
        shown += text;
        if (shown.split('requests/s,').length > 3) process.emit('SIGINT');
      },
      err: () => {},
      stdin: Readable.from([]),
      env: { CONSUL_HTTP_ADDR: agent.addresses.http[0] ?? '' },
      color: false,
      isScreen,
    });
    return shown.includes('\u001b[2J');
  };
  expect(await drawsOver(true)).toBe(true);
  expect(await drawsOver(false)).toBe(false);
  expect((await muster('top -every=0s')).code).toBe(2);
  expect((await muster('top -lines=-1')).code).toBe(2);
});

it('validate and config print read what up and agent read', async () => {
  const file = path.join(directory, 'm.toml');
  fs.writeFileSync(file, '[node]\ndev = true\n[[group]]\nname = "a"\ncommand = ["x"]\n');
  expect(await muster(['validate', file])).toEqual({ code: 0, out: 'Configuration is valid!\n', err: '' });
  expect((await muster(['config', 'print', file])).out).toContain('command = [ "x" ]');
  const { out } = await muster(['config', 'print', '-effective', file]);
  expect(out).toContain('stop_timeout = "10s"');
  // What is printed is itself a configuration that means the same.
  fs.writeFileSync(path.join(directory, 'effective.toml'), out);
  expect((await muster(['config', 'print', '-effective', `${directory}/effective.toml`])).out).toBe(out);
  fs.writeFileSync(file, 'nod = 1\n');
  expect(await muster(['validate', file])).toMatchObject({ code: 2, out: '' });
  const below = path.join(file, 'x.toml');
  expect(await muster(['validate', below])).toMatchObject({
    code: 2,
    err: expect.stringContaining(`cannot read ${below}: a file stands where a directory has to be`),
  });
  const settings = path.join(directory, 'fabio.properties');
  fs.writeFileSync(settings, 'proxy.addr = :9999\n');
  expect((await muster(['validate', settings])).code).toBe(0);
  expect(await muster(['validate', '-diff', settings])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/-diff compares the files of an agent/),
  });
});

describe('locks', () => {
  it('a command runs while the lock is held, another one has to wait', async () => {
    const file = path.join(directory, 'order');
    const go = path.join(directory, 'go');
    const slow = muster(['lock', 'jobs', `until [ -e ${go} ]; do sleep 0.02; done; echo first >> ${file}`]);
    // The second begins once the first has the key.
    while ((await muster('kv get jobs/.lock')).code !== 0) await new Promise((end) => setTimeout(end, 5));
    expect(await muster(['lock', '-try=1ms', 'jobs', 'true'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Lock acquisition failed'),
    });
    const second = muster(['lock', 'jobs', `echo second $CONSUL_LOCK_HELD >> ${file}`]);
    // Time for it to wait, or not to.
    await new Promise((end) => setTimeout(end, 300));
    fs.writeFileSync(go, '');
    expect([(await slow).code, (await second).code]).toEqual([0, 0]);
    expect(fs.readFileSync(file, 'utf8')).toBe('first\nsecond true\n');
    // Nothing is left behind: neither key nor session.
    expect((await muster('kv get jobs/.lock')).code).toBe(1);
    const sessions = await fetch(`http://${agent.addresses.http[0]}/v1/session/list`);
    expect(await sessions.json()).toEqual([]);
  });

  it('a lost lock ends the command with all that it started', async () => {
    const running = muster(['lock', 'lost', 'sleep 60 & sleep 60']);
    const base = `http://${agent.addresses.http[0]}/v1/session`;
    let sessions: { ID: string }[] = [];
    while ((await muster('kv get lost/.lock')).code !== 0) await new Promise((end) => setTimeout(end, 5));
    sessions = (await (await fetch(`${base}/list`)).json()) as { ID: string }[];
    for (const { ID } of sessions) await fetch(`${base}/destroy/${ID}`, { method: 'PUT' });
    expect(await running).toMatchObject({ code: 1, err: 'Lock lost: the command was ended\n' });
  });

  it('tells of a failed command only when asked to, and of one that cannot be run', async () => {
    expect((await muster(['lock', 'l', 'exit 7'])).code).toBe(0);
    expect((await muster(['lock', '-child-exit-code', 'l', 'exit 7'])).code).toBe(2);
    expect((await muster(['lock', '-shell=false', 'l', '/nowhere/program', '-flag'])).err).toContain(
      'cannot run /nowhere/program',
    );
  });

  it('are taken and given back with kv put', async () => {
    const answer = await fetch(`http://${agent.addresses.http[0]}/v1/session/create`, { method: 'PUT' });
    const { ID } = (await answer.json()) as { ID: string };
    expect((await muster(`kv put -acquire -session=${ID} k me`)).out).toBe('Success! Lock acquired on: k\n');
    const other = await fetch(`http://${agent.addresses.http[0]}/v1/session/create`, { method: 'PUT' });
    const { ID: second } = (await other.json()) as { ID: string };
    expect(await muster(`kv put -acquire -session=${second} k you`)).toMatchObject({
      code: 1,
      err: 'Error! Did not acquire lock\n',
    });
    expect((await muster(`kv put -release -session=${ID} k me`)).out).toBe('Success! Lock released on: k\n');
    expect((await muster('kv put -acquire k me')).code).toBe(2);
    for (const id of [ID, second])
      await fetch(`http://${agent.addresses.http[0]}/v1/session/destroy/${id}`, { method: 'PUT' });
  });
});

describe('watch', () => {
  it('without a command prints the view once', async () => {
    await muster('kv put w/a 1');
    const [pair] = JSON.parse((await muster('watch -type=keyprefix -prefix=w/')).out);
    expect(pair).toMatchObject({ Key: 'w/a', Value: 'MQ==' });
    expect((await muster('watch -type=key -key=nothing')).out).toBe('null\n');
    expect(Object.keys(JSON.parse((await muster('watch -type=services')).out))).toContain('consul');
    expect(JSON.parse((await muster('watch -type=nodes')).out)).toMatchObject([{ Node: 'n1' }]);
    for (const flag of ['-passingonly', '-passingonly=true', '-passingonly true', '-passingonly false'])
      expect(JSON.parse((await muster(`watch -type=service -service=consul ${flag}`)).out)).toHaveLength(1);
    await muster('services register -name=blue-web -port=1 -tag=blue -tag=v2');
    const instances = async (tags: string) =>
      JSON.parse((await muster(`watch -type=service -service=blue-web ${tags}`)).out);
    expect(await instances('-tag=blue -tag=v2')).toHaveLength(1);
    expect(await instances('-tag=blue -tag=v1')).toHaveLength(0);
    await muster('services deregister -id=blue-web');
    expect(JSON.parse((await muster('watch -type=checks -state=critical')).out)).toEqual(expect.any(Array));
    expect((await muster('watch -type=key')).code).toBe(2);
    expect((await muster('watch')).code).toBe(2);
  });

  it('with a command runs it for each view', async () => {
    const file = path.join(directory, 'views');
    const lines = () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').length - 1 : 0);
    const until = async (count: number) => {
      while (lines() < count) await new Promise((end) => setTimeout(end, 5));
    };
    const done = muster(['watch', '-type=event', '-name=deploy', `tr -d '\\n ' >> ${file}; echo >> ${file}`]);
    await until(1);
    expect((await muster('event -name=deploy abc')).out).toMatch(/^Event ID: [0-9a-f-]{36}\n$/);
    await until(2);
    expect(JSON.parse(fs.readFileSync(file, 'utf8').split('\n')[1]!)).toMatchObject([
      { Name: 'deploy', Payload: 'YWJj' },
    ]);
    process.emit('SIGTERM');
    expect((await done).code).toBe(0);
  });

  it('ends with the command that fails, and where no agent answers', async () => {
    expect(await muster(['watch', '-type=services', 'exit 3'])).toEqual({
      code: 1,
      out: '',
      err: 'the command ended with 3\n',
    });
    const away = await muster('watch -http-addr=127.0.0.1:1 -type=services');
    expect(away).toMatchObject({ code: 1, out: '' });
    expect(away.err).toContain('no agent answers at http://127.0.0.1:1');
  });
});

it('snapshots are saved, looked into and restored', async () => {
  const file = path.join(directory, 'catalog.snap');
  await muster('kv put s/a 1');
  expect((await muster(['snapshot', 'save', file])).out).toMatch(
    /^Saved and verified snapshot to index \d+\n$/,
  );
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect((await muster(['snapshot', 'inspect', file])).out).toMatch(/^ {2}nodes +1$/m);
  await muster('kv delete s/a');
  expect((await muster(['snapshot', 'restore', file])).out).toBe('Restored snapshot\n');
  expect((await muster('kv get s/a')).out).toBe('1\n');
  fs.writeFileSync(file, 'nonsense');
  expect(await muster(['snapshot', 'inspect', file])).toMatchObject({ code: 1 });
});

it('reload, join, force-leave, operator and monitor speak to the agent', async () => {
  expect((await muster('reload')).out).toBe('Configuration reload triggered\n');
  expect((await muster('operator raft list-peers')).out).toMatch(
    /^Node +ID +Address +State +Voter +RaftProtocol\nn1 .* leader +true +3\n$/,
  );
  expect((await muster('operator raft')).code).toBe(2);
  expect(await muster('join 127.0.0.1:1')).toMatchObject({
    code: 1,
    err: expect.stringContaining("Error joining address '127.0.0.1:1'"),
  });
  expect((await muster('force-leave nobody')).code).toBe(1);
  let log = '';
  const ended = run(verbs, ['monitor', '-log-level=debug', '-log-json'], {
    out: (text) => {
      log += text;
    },
    err: () => {},
    stdin: Readable.from([]),
    env: { CONSUL_HTTP_ADDR: agent.addresses.http[0] },
    color: false,
  });
  while (log === '') await muster('members');
  process.emit('SIGTERM');
  expect(await ended).toBe(0);
  expect(JSON.parse(log.split('\n')[0]!)).toMatchObject({ level: 'debug' });
});
