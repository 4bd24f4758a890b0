import { createVerify, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { GroupController } from '../controller.ts';
import type { InstanceView } from '../instance.ts';
import type { ManagedSpec } from '../spec.ts';
import type { Health, Surroundings } from '../surroundings.ts';
import type { GroupView } from '../view.ts';
import { SPEC, UPDATE } from '../world.test-support.ts';
import { GceClient, type GceSpec } from './client.ts';
import { MigCrew } from './mig-crew.ts';
import { tokenSource } from './token.ts';

const BASE = '/compute/v1/projects/shop-1/zones/europe-west3-a/instanceGroupManagers/web';

interface Vm {
  instance: string;
  name: string;
  id: string;
  instanceStatus?: string;
  currentAction: string;
}

/** Answers as the reference of the REST API (compute, v1) says; machines come and go when the test says so. */
class Google {
  targetSize = 2;
  vms: Vm[] = [];
  calls: string[] = [];
  refusal: { code: number; message: string } | undefined;
  autoscaler = '';
  #made = 0;
  readonly #server = createServer(async (request, response) => {
    const body = await textOf(request);
    const [status, answer] = this.#answer(request, body);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was asked for is made, what is to go is gone. */
  settle(): void {
    this.vms = this.vms.filter(({ currentAction }) => currentAction !== 'DELETING');
    while (this.vms.length < this.targetSize) {
      const name = `web-${++this.#made}`;
      const instance = `https://www.googleapis.com/compute/v1/projects/shop-1/zones/europe-west3-a/instances/${name}`;
      this.vms.push({ instance, name, id: String(7_000_000 + this.#made), currentAction: 'CREATING' });
    }
    for (const vm of this.vms) Object.assign(vm, { instanceStatus: 'RUNNING', currentAction: 'NONE' });
  }

  #answer(request: IncomingMessage, body: string): [number, object] {
    const url = new URL(request.url ?? '', 'http://google');
    if (url.pathname.startsWith('/computeMetadata/'))
      return request.headers['metadata-flavor'] === 'Google'
        ? [200, { access_token: 'of-the-machine', expires_in: 3599, token_type: 'Bearer' }]
        : [403, {}];
    this.calls.push(`${request.method} ${url.pathname.replace(BASE, '')}${url.search}`);
    if (request.headers.authorization !== 'Bearer of-the-machine')
      return [401, { error: { code: 401, message: 'Request had invalid authentication credentials.' } }];
    if (this.refusal !== undefined) return [this.refusal.code, { error: this.refusal }];
    const operation = { kind: 'compute#operation', name: 'operation-1', status: 'PENDING', progress: 0 };
    switch (url.pathname.slice(BASE.length)) {
      case '':
        return [
          200,
          {
            kind: 'compute#instanceGroupManager',
            name: 'web',
            targetSize: this.targetSize,
            instanceTemplate:
              'https://www.googleapis.com/compute/v1/projects/shop-1/global/instanceTemplates/web-1',
            status: { isStable: true, ...(this.autoscaler === '' ? {} : { autoscaler: this.autoscaler }) },
          },
        ];
      case '/listManagedInstances': {
        // Two pages, whatever was asked for.
        const from = Number(url.searchParams.get('pageToken') ?? 0);
        const next = from === 0 && this.vms.length > 1 ? { nextPageToken: '1' } : {};
        return [200, { managedInstances: this.vms.slice(from, from === 0 ? 1 : undefined), ...next }];
      }
      case '/resize':
        this.targetSize = Number(url.searchParams.get('size'));
        return [200, operation];
      case '/deleteInstances': {
        const { instances } = JSON.parse(body) as { instances: string[] };
        this.targetSize -= instances.length;
        for (const vm of this.vms) if (instances.includes(vm.instance)) vm.currentAction = 'DELETING';
        return [200, operation];
      }
      default:
        return [404, { error: { code: 404, message: `no ${url.pathname}` } }];
    }
  }
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const spec: ManagedSpec = {
  ...SPEC,
  name: 'web',
  driver: 'gce-mig',
  command: [],
  cwd: '/',
  stopTimeout: 0,
  service: 'web',
  drainTimeout: 0,
  update: { ...UPDATE, rollback: { ...UPDATE.rollback, deadline: 3_600_000 } },
};

async function world(over: Partial<ManagedSpec> = {}) {
  const google = new Google();
  const address = await google.start();
  const gce: GceSpec = {
    project: 'shop-1',
    zone: 'europe-west3-a',
    name: 'web',
    endpoint: `${address}/compute/v1`,
    metadata: address,
  };
  google.settle();
  const clock = new ManualClock(1_000_000);
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', sink: ({ message }) => lines.push(message) });
  const sick = new Set<string>();
  let inFlight = 0;
  const surroundings: Surroundings = {
    health: ({ name, state }: InstanceView): Health | undefined =>
      state.mode === 'running' ? (sick.has(name) ? 'critical' : 'passing') : undefined,
    traffic: () => ({ requests: 0, errors: 0, inFlight }),
    keyValue: () => undefined,
    meta: () => undefined,
    register: async () => {},
    withdraw: async () => {},
    forget: async () => {},
    subscribe: () => () => {},
  };
  const token = tokenSource({ credentials: undefined, metadata: address, now: () => clock.now() });
  const crew = new MigCrew({ client: new GceClient(gce, token), surroundings, clock, logger });
  const size = await crew.open();
  const controller = await GroupController.start(
    { ...spec, ...over, replicas: size },
    { clock, logger, crew: () => crew },
    surroundings,
  );
  onTestFinished(() => controller.release());
  const until = async (holds: (view: GroupView) => boolean, { settles = true } = {}): Promise<GroupView> => {
    while (!holds(controller.view())) {
      if (settles) google.settle();
      clock.advance(500);
      await new Promise((next) => setTimeout(next, 2));
    }
    return controller.view();
  };
  return {
    google,
    controller,
    until,
    lines,
    sick,
    load: (of: number) => {
      inFlight = of;
    },
  };
}

const settled = (size: number) => (view: GroupView) =>
  view.size === size && view.ready === size && view.instances.length === size && view.rollout.mode === 'idle';

describe('a managed instance group of Google', () => {
  it('is taken as it is, grows, and shrinks by the machines that are chosen', async () => {
    const { google, controller, until } = await world();
    const before = await until(settled(2));
    expect(before.instances.map(({ name, node }) => [name, node])).toEqual([
      ['web-1', 'web-1'],
      ['web-2', 'web-2'],
    ]);
    controller.scale(5);
    const awaited = await until((view) => view.instances.length === 5, { settles: false });
    expect(awaited.ready).toBe(2);
    await until(settled(5));
    const resized = google.calls.filter((call) => call.includes('resize'));
    expect(resized.at(-1)).toBe('POST /resize?size=5');
    controller.scale(1);
    await until(settled(1));
    expect(google.targetSize).toBe(1);
    // Those that go were chosen, not left to Google.
    expect(google.calls.filter((call) => call.includes('resize'))).toEqual(resized);
  });

  it('rolls: a new machine is ready before an old one is deleted', async () => {
    const { google, controller, until } = await world();
    const before = await until(settled(2));
    controller.roll();
    let least = 2;
    const after = await until((view) => {
      least = Math.min(least, view.ready);
      return settled(2)(view) && view.edition === 2;
    });
    expect(least).toBe(2);
    expect(after.instances.some(({ id }) => before.instances.some((one) => one.id === id))).toBe(false);
    expect(google.targetSize).toBe(2);
  });

  it('replaces a machine whose checks fail', async () => {
    const { sick, until } = await world({
      heal: { after: 1000, initialDelay: 0, most: 1, window: 60_000, holdAbove: 0.5 },
    });
    await until(settled(2));
    sick.add('web-1');
    await until((view) => settled(2)(view) && !view.instances.some(({ name }) => name === 'web-1'));
  });

  it('follows an autoscaler, never beyond its bounds', async () => {
    const direction = { stabilization: 0, rates: [], select: 'max' } as const;
    const { google, until, load } = await world({
      autoscale: {
        min: 1,
        max: 4,
        mode: 'on',
        interval: 1000,
        policy: 'target',
        signal: [{ kind: 'in_flight', target: 1 }],
        schedule: [],
        target: { stabilization: 0, initialization: 0 },
        hpa: { tolerance: 0.1, out: direction, in: direction },
      },
    });
    load(3);
    await until(settled(4));
    expect(google.targetSize).toBe(4);
    load(0);
    await until(settled(1));
  });

  it('keeps what it knows while Google refuses, and says why once', async () => {
    const { google, controller, until, lines } = await world();
    await until(settled(2));
    google.refusal = { code: 403, message: "Required 'compute.instanceGroupManagers.update' permission" };
    controller.scale(3);
    await until(() => lines.some((line) => line.includes('Required')));
    expect(controller.view().instances).toHaveLength(2);
    expect(lines.find((line) => line.includes('Required'))).toContain('roles/compute.instanceAdmin.v1');
    google.refusal = undefined;
    await until(settled(3));
  });

  it("warns when Google's own autoscaler looks after it too", async () => {
    const google = new Google();
    google.autoscaler =
      'https://www.googleapis.com/compute/v1/projects/shop-1/zones/europe-west3-a/autoscalers/web-as';
    const address = await google.start();
    const lines: string[] = [];
    const client = new GceClient(
      { project: 'shop-1', zone: 'europe-west3-a', name: 'web', endpoint: `${address}/compute/v1` },
      async () => 'of-the-machine',
    );
    const crew = new MigCrew({
      client,
      surroundings: {} as Surroundings,
      clock: new ManualClock(0),
      logger: createLogger({ level: 'info', sink: ({ message }) => lines.push(message) }),
    });
    expect(await crew.open()).toBe(2);
    crew.release();
    expect(lines).toEqual([expect.stringContaining("Google's own autoscaler (web-as)")]);
  });
});

describe('a token', () => {
  it('is that of a service account, signed with its key, and kept until shortly before its end', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const asked: URLSearchParams[] = [];
    const server = createServer(async (request, response) => {
      asked.push(new URLSearchParams(await textOf(request)));
      response.end(
        JSON.stringify({ access_token: `t${asked.length}`, expires_in: 3599, token_type: 'Bearer' }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const folder = mkdtempSync(path.join(tmpdir(), 'gce-'));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    });
    const credentials = path.join(folder, 'key.json');
    writeFileSync(
      credentials,
      JSON.stringify({
        type: 'service_account',
        client_email: 'muster@shop-1.iam.gserviceaccount.com',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: uri,
      }),
    );
    let now = 1_700_000_000_000;
    const token = tokenSource({ credentials, now: () => now });
    expect([await token(), await token()]).toEqual(['t1', 't1']);
    const [statement] = asked;
    expect(statement!.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head, claims, signature] = statement!.get('assertion')!.split('.') as [string, string, string];
    expect(
      createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url'),
    ).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      iss: 'muster@shop-1.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/compute',
      aud: uri,
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
    now += 3_560_000;
    expect(await token()).toBe('t2');
  });

  it('that cannot be had is told with what to do', async () => {
    const nowhere = tokenSource({ credentials: '/no/such/key.json', now: () => 0 });
    await expect(nowhere()).rejects.toThrow("cannot read the service account's key /no/such/key.json");
    const elsewhere = tokenSource({ credentials: undefined, metadata: 'http://127.0.0.1:1', now: () => 0 });
    await expect(elsewhere()).rejects.toThrow('this is no machine of Google');
  });
});
