import type { Change } from './feed.ts';
import type { Node, Session } from './rows.ts';
import { fold, type Reader } from './tables.ts';

/**
 * A topic is what a blocking query waits for. Each has an index of its own, so that a reader of one service
 * is not woken by another.
 */
export const topic = {
  nodes: 'nodes',
  services: 'services',
  checks: 'checks',
  kv: 'kv',
  sessions: 'sessions',
  coordinates: 'coordinates',
  config: 'config',
  aclTokens: 'acl-tokens',
  aclPolicies: 'acl-policies',
  aclRoles: 'acl-roles',
  queries: 'queries',
  /** A node and the services on it. */
  node: (name: string) => `node:${fold(name)}`,
  /** All checks of a node, those of its services included. */
  checksOf: (node: string) => `checks:${fold(node)}`,
  /** Instances of a service, their nodes and all checks that bear on them. */
  service: (name: string) => `service:${fold(name)}`,
  key: (key: string) => `key:${key}`,
  session: (id: string) => `session:${id}`,
  /** Sessions of a node. */
  sessionsOf: (node: string) => `sessions:${fold(node)}`,
} as const;

/** Adds to `topics` what `change` concerns. `reader` has the state after the batch. */
export function collectTopics(change: Change, reader: Reader, topics: Set<string>): void {
  switch (change.table) {
    case 'nodes': {
      topics.add(topic.nodes);
      const { name } = (change.after ?? change.before) as Node;
      topics.add(topic.node(name));
      for (const service of reader.list('services', 'node', fold(name)))
        topics.add(topic.service(service.name));
      return;
    }
    case 'services':
      topics.add(topic.services);
      for (const row of [change.before, change.after]) {
        if (row === undefined) continue;
        topics.add(topic.node(row.node));
        topics.add(topic.service(row.name));
      }
      return;
    case 'checks':
      topics.add(topic.checks);
      for (const row of [change.before, change.after]) {
        if (row === undefined) continue;
        topics.add(topic.checksOf(row.node));
        if (row.serviceId !== '') topics.add(topic.service(row.serviceName));
        // A check of the node bears on every instance that runs there.
        else
          for (const { name } of reader.list('services', 'node', fold(row.node)))
            topics.add(topic.service(name));
      }
      return;
    case 'kv':
      topics.add(topic.kv);
      topics.add(topic.key(change.key));
      return;
    case 'sessions': {
      topics.add(topic.sessions);
      topics.add(topic.session(change.key));
      const { node } = (change.after ?? change.before) as Session;
      topics.add(topic.sessionsOf(node));
      return;
    }
    case 'configEntries':
      topics.add(topic.config);
      return;
    case 'coordinates':
      topics.add(topic.coordinates);
      return;
    case 'queries':
      topics.add(topic.queries);
      return;
    case 'aclTokens':
    case 'aclPolicies':
    case 'aclRoles':
      topics.add(topic[change.table]);
      return;
    case 'settings':
    case 'tombstones':
    case 'lockDelays':
      return;
  }
}
