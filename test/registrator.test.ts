import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { type ContainerRequest, TEST_IMAGE } from '../src/docker/engine.test-support.ts';
import { eachOf, engineOfFile, HOST, NETWORK, published, registeredIds } from './support/containers.ts';
import { ask, getJson } from './support/http.ts';
import { type Muster, musterProcess, testMuster } from './support/muster.ts';

const { engine, skipIfTrouble } = engineOfFile();

describe('a key/value store', () => {
  it('holds the address of each instance, and nothing of ours that is gone', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const uri = `${muster.api.replace('http:', 'consulkv:')}/services`;
    const begin = () =>
      musterProcess(['registrator', '-hostname', HOST, '-ip', 'fd00::1', uri], {
        DOCKER_HOST: engine().host,
      });
    const keys = async () => (await ask(`${muster.api}/v1/kv/services/?recurse&raw&keys`)).text;
    await ask(`${muster.api}/v1/kv/services/web/by-hand`, { method: 'PUT', body: '10.0.0.1:80' });
    let program = begin();
    const host: ContainerRequest = { ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: 'host' } };
    await engine().run('k1', host);
    await engine().run('k2', { ...host, Env: ['SERVICE_ID=own'] });
    await until('both', async () => (await keys()).includes('own') && (await keys()).includes('k1'), {
      program,
    });
    expect((await ask(`${muster.api}/v1/kv/services/${TEST_IMAGE}/own?raw`)).text).toBe('[fd00::1]:80');
    await program.kill();
    await eachOf(['k1', 'k2'], (name) => engine().remove(name));
    program = begin();
    await until(
      'both to be gone',
      async () => JSON.stringify(JSON.parse(await keys())) === '["services/web/by-hand"]',
      { program },
    );
  });
});

interface Inspected {
  State: { Running: boolean };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

const inspected = async (name: string) =>
  JSON.parse(await engine().call('GET', `/containers/${name}/json`)) as Inspected;

/** "address port" as registered; "" for what is not. */
async function placeOf({ api }: Muster, id: string): Promise<string> {
  const { status, text } = await ask(`${api}/v1/agent/service/${encodeURIComponent(id)}`);
  if (status === 404) return '';
  const { Address, Port } = JSON.parse(text) as { Address: string; Port: number };
  return `${Address} ${Port}`;
}

describe('a registrator', () => {
  // What a test that failed leaves would make the next ones fail.
  afterEach(() => engine()?.removeContainers());

  it('says what is wrong with a container, and which variable it is', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const program = musterProcess(
      ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')],
      {
        DOCKER_HOST: engine().host,
      },
    );
    const bad = {
      ...published({ '80/tcp': {} }),
      Labels: { SERVICE_CHECK_TCP: '1', SERVICE_CHECK_INTERVAL: 'often' },
    };
    await engine().run('b1', bad);
    await engine().run('b2', { ...published({ '80/tcp': {} }), Env: ['SERVICE_ID=same'] });
    await engine().run('b3', { ...published({ '80/tcp': {} }), Env: ['SERVICE_ID=same'] });
    await until(
      'both to be told',
      () => /container=b1/.test(program.output()) && /container=b3/.test(program.output()),
      {
        program,
      },
    );
    expect(program.output()).toMatch(/SERVICE_CHECK_INTERVAL="often": a duration.*container=b1/);
    expect(program.output()).toMatch(
      /SERVICE_ID=the ID "same" belongs to the container b2 already.*container=b3/,
    );
    await until('the rest to be registered', async () => (await registeredIds(muster)).length === 2, {
      program,
    });
    expect(await registeredIds(muster)).toEqual([`${HOST}:b1:80`, 'same']);
  });

  it('leaves a maintenance alone', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, '-resync', '1', muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine().host });
    await engine().run('m1', published({ '80/tcp': {} }));
    await until('m1', async () => (await registeredIds(muster)).length === 1, { program });
    const id = encodeURIComponent(`${HOST}:m1:80`);
    await ask(`${muster.api}/v1/agent/service/maintenance/${id}?enable=true`, { method: 'PUT' });
    await engine().run('m2', published({ '80/tcp': {} }));
    await until('m2', async () => (await registeredIds(muster)).length === 2, { program });
    const checks = await getJson<Record<string, unknown>>(`${muster.api}/v1/agent/checks`);
    expect(Object.keys(checks)).toEqual([`_service_maintenance:${HOST}:m1:80`]);
  });

  it('takes a container out while it ends, by whichever signal it is stopped', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine().host });
    // As haproxy's image has it. A container's first process does not end by it unless it wants to.
    await engine().run('s1', { ...published({ '80/tcp': {} }), StopSignal: 'SIGUSR1' });
    await until('s1', async () => (await registeredIds(muster)).length === 1, { program });
    const stopped = engine().call('POST', '/containers/s1/stop?t=600');
    await until('it to be out', async () => (await registeredIds(muster)).length === 0, { program });
    expect((await inspected('s1')).State.Running).toBe(true);
    await engine().call('POST', '/containers/s1/kill');
    await stopped;
  });

  it('has the address on the network that -network names, once the container is on it', async (context) => {
    skipIfTrouble(context);
    const front = 'muster-test-front';
    await engine().call('POST', '/networks/create', { Name: front });
    const muster = await testMuster('agent');
    const options = ['-hostname', HOST, '-internal', '-network', front];
    const program = musterProcess(['registrator', ...options, muster.api.replace('http:', 'consul:')], {
      DOCKER_HOST: engine().host,
    });
    await engine().run('n1', { ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: NETWORK } });
    // Whoever shares a network may expose nothing but what its image does.
    const exposing = 'muster-test-exposing';
    await engine().call('POST', `/commit?container=n1&repo=${exposing}&changes=EXPOSE%2080`, {});
    await engine().run('n2', { Image: exposing, HostConfig: { NetworkMode: 'container:n1' } });
    const at = (network: string) => async () => {
      const { IPAddress } = (await inspected('n1')).NetworkSettings.Networks[network] ?? {};
      const seen = await Promise.all(['n1', 'n2'].map((name) => placeOf(muster, `${HOST}:${name}:80`)));
      return IPAddress !== undefined && seen.every((place) => place === `${IPAddress} 80`);
    };
    await until('the address of the start', at(NETWORK), { program });
    await engine().call('POST', `/networks/${front}/connect`, { Container: 'n1' });
    await until('that of the front', at(front), { program });
    // Whoever is on its network is reached no more.
    await engine().call('POST', '/containers/n1/stop?t=0');
    await until('both to be gone', async () => (await registeredIds(muster)).length === 0, { program });
    expect((await inspected('n2')).State.Running).toBe(true);
  });

  it('registers at its own address who is on a network that publishes nothing', async (context) => {
    skipIfTrouble(context);
    const inside = 'muster-test-inside';
    await engine().call('POST', '/networks/create', { Name: inside, Internal: true });
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine().host });
    const on = (network: string) => ({
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: network },
    });
    await engine().run('i1', on(NETWORK));
    await engine().run('i2', on(inside));
    await until('i2', async () => (await registeredIds(muster)).length > 0, { program });
    expect(await registeredIds(muster)).toEqual([`${HOST}:i2:80`]);
    const own = (await inspected('i2')).NetworkSettings.Networks[inside]?.IPAddress;
    expect(await placeOf(muster, `${HOST}:i2:80`)).toBe(`${own} 80`);
  });

  it("takes a container's own HEALTHCHECK for its check, when told so", async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, '-health', muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine().host });
    const second = 1_000_000_000;
    await engine().run('h1', {
      ...published({ '80/tcp': {} }),
      Healthcheck: { Test: ['CMD', '/bin/cat', '/well'], Interval: second, Retries: 1 },
      Cmd: ['/bin/sh', '-c', "trap 'echo > /well' USR1; while :; do sleep 1; done"],
    });
    const status = async () => {
      const checks = await getJson<Record<string, { Status: string; Output: string }>>(
        `${muster.api}/v1/agent/checks`,
      );
      const { Status = '', Output = '' } = checks[`service:${HOST}:h1:80`] ?? {};
      return `${Status} ${Output}`;
    };
    await until(
      'it to be unhealthy',
      async () => (await status()) === 'critical the container is unhealthy',
      { program },
    );
    await engine().call('POST', '/containers/h1/kill?signal=USR1');
    await until('it to be healthy', async () => (await status()) === 'passing the container is healthy', {
      program,
    });
  });

  it('keeps services of containers that failed with -deregister on-success', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = [
      'registrator',
      '-hostname',
      HOST,
      '-deregister',
      'on-success',
      muster.api.replace('http:', 'consul:'),
    ];
    const begin = () => musterProcess(args, { DOCKER_HOST: engine().host });
    let program = begin();
    const ending = (code: number): ContainerRequest => ({
      ...published({ '80/tcp': {} }),
      Cmd: ['/bin/sh', '-c', `trap 'exit ${code}' USR1; while :; do sleep 1; done`],
      Env: code === 3 ? ['SERVICE_ID=failed'] : [],
    });
    // Until it has set its trap the signal is lost: a container's first process has no default for it.
    const end = (name: string) =>
      until(`${name} to end`, async () => {
        const { State } = await inspected(name);
        if (State.Running)
          await engine()
            .call('POST', `/containers/${name}/kill?signal=USR1`)
            .catch(() => {});
        return !State.Running;
      });
    for (const [name, code] of [
      ['f0', 0],
      ['f1', 1],
      ['f3', 3],
    ] as const)
      await engine().run(name, ending(code));
    await until('all three', async () => (await registeredIds(muster)).length === 3, { program });
    await eachOf(['f0', 'f1', 'f3'], end);
    const left = async () =>
      JSON.stringify(await registeredIds(muster)) === JSON.stringify(['failed', `${HOST}:f1:80`].sort());
    await until('the one that ended well to be gone', left, { program });
    await program.kill();
    program = begin();
    await until('it to compare', () => program.output().includes('listening'), { program });
    await engine().run('f4', ending(0));
    await until('f4', async () => (await registeredIds(muster)).includes(`${HOST}:f4:80`), { program });
    expect(await registeredIds(muster)).toEqual(['failed', `${HOST}:f1:80`, `${HOST}:f4:80`].sort());
    await eachOf(['f0', 'f1', 'f3', 'f4'], (name) => engine().remove(name));
    await until('all to be gone', async () => (await registeredIds(muster)).length === 0, { program });
  });
});
