import { randomUUID } from 'node:crypto';
import { Acl } from '../../acl/acl.ts';
import { beginAcl } from '../../acl/commands/bootstrap.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { ApiContext } from '../context.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

export const ROOT = 'a-secret-that-may-do-everything';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, or undefined. */
  json: unknown;
}

export interface AclWorld {
  context: ApiContext;
  acl: Acl;
  ask(method: string, path: string, options?: { token?: string; body?: unknown }): Promise<Answer>;
  /** The secret of a new token with these rules. */
  tokenWith(rules: string): Promise<{ accessor: string; secret: string; policy: string }>;
  stop(): Promise<void>;
}

/** For tests: the whole API over an empty store with access control. */
export async function startAclWorld(
  options: { defaultPolicy?: 'allow' | 'deny'; enableKeyListPolicy?: boolean; reset?: () => number } = {},
): Promise<AclWorld> {
  const { defaultPolicy = 'deny', enableKeyListPolicy = false, reset = () => 0 } = options;
  const { context: bare } = testContext();
  const { catalog, clock, node, store } = bare;
  await store.write((tx) => beginAcl(tx, { accessorId: randomUUID(), secretId: ROOT }));
  const acl = new Acl({
    catalog,
    clock,
    datacenter: node.datacenter,
    node: node.name,
    defaultPolicy,
    enableKeyListPolicy,
    takeBootstrapReset: reset,
  });
  const context: ApiContext = { ...bare, acl };
  const api: Api = await startApi({ context, host: '127.0.0.1', port: 0 });
  const base = `http://${formatHostPort(api.address.host, api.address.port)}`;
  const ask: AclWorld['ask'] = async (method, path, { token = ROOT, body } = {}) => {
    const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(base + path, {
      method,
      headers: token === '' ? {} : { 'X-Consul-Token': token },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(answer);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, text: answer, json };
  };
  let made = 0;
  return {
    context,
    acl,
    ask,
    async tokenWith(rules) {
      const policy = (await ask('PUT', '/v1/acl/policy', { body: { Name: `p${++made}`, Rules: rules } }))
        .json as { ID: string };
      const token = (await ask('PUT', '/v1/acl/token', { body: { Policies: [{ ID: policy.ID }] } })).json as {
        AccessorID: string;
        SecretID: string;
      };
      return { accessor: token.AccessorID, secret: token.SecretID, policy: policy.ID };
    },
    async stop() {
      acl.stop();
      await api.stop();
      await store.close();
    },
  };
}
