import { Agent } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../../scripts/support/processes.mjs';
import { type Answer, ask, put } from '../support/http.ts';
import { testMuster } from '../support/muster.ts';

/**
 * Debian's Prometheus is built without discovery by Consul. These are its requests, in its order and with its header
 * fields, as in discovery/consul/consul.go: the agent's datacenter, the list of services as a blocking query, and a
 * blocking query for each service; of the answers what becomes labels.
 */
const HEADERS = {
  'User-Agent': 'Prometheus/2.42.0',
  // It always has an authentication, also an empty one.
  Authorization: `Basic ${Buffer.from(':').toString('base64')}`,
};
/** `watchTimeout`, as Consul's Go client writes it. */
const WAIT = 'wait=120000ms';

interface Entry {
  Node: { Node: string; Address: string; Meta: Record<string, string> | null };
  Service: {
    ID: string;
    Address: string;
    Port: number;
    Tags: string[];
    Meta: Record<string, string>;
    TaggedAddresses: Record<string, { Address: string; Port: number }>;
  };
  Checks: { Status: string; CheckID: string }[];
}

type Labels = Record<string, string>;

/** Targets of the services with a tag, followed until `stop`. */
class Discovery {
  readonly groups = new Map<string, Labels[]>();
  /** Questions that were answered without anything new: there should be none. */
  idle = 0;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #watched = new Set<string>();
  #stopped = false;

  readonly #api: string;
  readonly #tag: string;
  readonly #nodeMeta: string;

  constructor(api: string, tag: string, nodeMeta: string) {
    this.#api = api;
    this.#tag = tag;
    this.#nodeMeta = nodeMeta;
  }

  async run(): Promise<void> {
    const self = JSON.parse((await this.#get('/v1/agent/self')).text) as { Config: { Datacenter: string } };
    const datacenter = self.Config.Datacenter;
    await this.#follow('/v1/catalog/services', `node-meta=${this.#nodeMeta}`, (services: Labels[]) => {
      for (const [name, tags] of Object.entries(services))
        if (Object.values(tags).includes(this.#tag) && !this.#watched.has(name)) {
          this.#watched.add(name);
          void this.#follow(
            `/v1/health/service/${name}`,
            `node-meta=${this.#nodeMeta}&tag=${this.#tag}`,
            (entries: Entry[]) =>
              this.groups.set(
                name,
                entries.map((entry) => labelsOf(entry, datacenter)),
              ),
          );
        }
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#agent.destroy();
  }

  /** Asks again and again, each time for what is newer than what was answered. */
  async #follow<T>(path: string, params: string, tell: (value: T) => void): Promise<void> {
    let last = '0';
    while (!this.#stopped) {
      const index = last === '0' ? '' : `&index=${last}`;
      let answer: Answer;
      try {
        answer = await this.#get(`${path}?${params}&stale=${index}&${WAIT}`);
      } catch (error) {
        if (this.#stopped) return;
        throw error;
      }
      expect(answer.status).toBe(200);
      // Its client refuses answers without these.
      for (const field of ['x-consul-index', 'x-consul-lastcontact'])
        expect(answer.headers[field]).toMatch(/^\d+$/);
      expect(answer.headers['x-consul-knownleader']).toBe('true');
      const now = String(answer.headers['x-consul-index']);
      if (now === last) this.idle++;
      else tell(JSON.parse(answer.text) as T);
      last = now;
    }
  }

  #get(path: string): Promise<Answer> {
    return ask(`${this.#api}${path}`, { headers: HEADERS, agent: this.#agent, timeout: 150_000 });
  }
}

function labelsOf({ Node, Service, Checks }: Entry, datacenter: string): Labels {
  const worst = ['critical', 'warning'].find((status) => Checks.some((check) => check.Status === status));
  return {
    __address__: `${Service.Address || Node.Address}:${Service.Port}`,
    dc: datacenter,
    node: Node.Node,
    id: Service.ID,
    // Separators around each, so that a rule can look for ",tag,".
    tags: `,${Service.Tags.join(',')},`,
    version: Service.Meta.version ?? '',
    lan: Service.TaggedAddresses.lan_ipv4 === undefined ? '' : `${Service.TaggedAddresses.lan_ipv4.Address}`,
    health: worst ?? 'passing',
  };
}

it('Prometheus finds the targets of a tag, and hears of each change by its blocking queries', async () => {
  const { api } = await testMuster('agent', { node: { dev: true, name: 'n1', meta: { rack: 'a' } } });
  const register = (id: string, name: string, port: number, tags: string[], version = '1') =>
    put(`${api}/v1/agent/service/register`, {
      ID: id,
      Name: name,
      Port: port,
      Address: '127.0.0.7',
      Tags: tags,
      Meta: { version },
      Check: { CheckID: `ttl-${id}`, TTL: '1h', Status: 'passing' },
    });
  await register('web-1', 'web', 8001, ['metrics', 'blue']);
  await register('db-1', 'db', 5432, ['sql']);
  await put(`${api}/v1/catalog/register`, {
    Node: 'elsewhere',
    Address: '10.0.0.9',
    NodeMeta: { rack: 'b' },
    Service: { Service: 'web', Port: 1, Tags: ['metrics'] },
  });

  const discovery = new Discovery(api, 'metrics', 'rack:a');
  onTestFinished(() => discovery.stop());
  const running = discovery.run();
  const toSee = (what: string, seen: () => boolean) => until(what, async () => seen());
  const web = () => discovery.groups.get('web') ?? [];

  await toSee('the first target', () => web().length === 1);
  expect(web()).toEqual([
    {
      __address__: '127.0.0.7:8001',
      dc: 'dc1',
      node: 'n1',
      id: 'web-1',
      tags: ',metrics,blue,',
      version: '1',
      lan: '127.0.0.7',
      health: 'passing',
    },
  ]);
  expect([...discovery.groups.keys()]).toEqual(['web']);

  await register('web-2', 'web', 8002, ['metrics']);
  await toSee('a second instance', () => web().length === 2);
  await put(`${api}/v1/agent/check/fail/ttl-web-2`);
  await toSee('its health', () => web().some(({ id, health }) => id === 'web-2' && health === 'critical'));
  await register('api-1', 'api', 9000, ['metrics']);
  await toSee('a new service', () => discovery.groups.get('api')?.length === 1);
  await register('web-1', 'web', 8003, ['metrics'], '2');
  await toSee('what changed of an instance', () =>
    web().some(({ __address__: address = '', version }) => address.endsWith(':8003') && version === '2'),
  );
  await put(`${api}/v1/agent/service/deregister/api-1`);
  await toSee('the end of a service', () => discovery.groups.get('api')?.length === 0);
  await put(`${api}/v1/agent/service/deregister/web-2`);
  await toSee('the end of an instance', () => web().length === 1);
  expect(discovery.idle).toBe(0);
  discovery.stop();
  await running;
});
