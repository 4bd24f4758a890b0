import { type Check, MEMBER_CHECK, type Node, SERVER_SERVICE, type Service, SILENT_OUTPUT } from '../rows.ts';
import { checkKey, fold, nodeKey, serviceKey } from '../tables.ts';
import { type Transaction, type Write, withoutIndexes } from '../transaction.ts';
import { deregisterNode, updateCheck } from './register.ts';
import { restore } from './restore.ts';

/** What a node's agent says of the node itself. */
interface Agent {
  readonly node: Node;
  readonly check: Check;
  /** Of an agent that keeps the catalog. */
  readonly server: Service | undefined;
}

/** How many agents are not here, and how many sessions ended by that. */
export interface Silent {
  readonly agents: number;
  readonly sessions: number;
}

/**
 * As `restore`, with rows of a cluster whose agents are not those of this one. An agent that is here goes on under its name; the
 * others are silent, and sessions that hang on them end as they do for any agent that is gone.
 */
export function restoreForeign(tx: Transaction, rows: readonly Write[]): Silent {
  const here = agentsOf(tx);
  restore(tx, rows);
  for (const agent of here.values()) keep(tx, agent);
  const before = tx.all('sessions').length;
  const silent = tx
    .all('checks')
    .filter(({ id, serviceId, node }) => id === MEMBER_CHECK && serviceId === '' && !here.has(fold(node)));
  for (const { node } of silent)
    updateCheck(tx, node, MEMBER_CHECK, { status: 'critical', output: SILENT_OUTPUT });
  return { agents: silent.length, sessions: before - tx.all('sessions').length };
}

/** Those that are there now, by name. */
function agentsOf(tx: Transaction): Map<string, Agent> {
  return new Map(
    tx.all('nodes').flatMap((node) => {
      const check = tx.get('checks', checkKey(node.name, MEMBER_CHECK));
      if (check === undefined || check.status === 'critical') return [];
      const server = tx.get('services', serviceKey(node.name, SERVER_SERVICE));
      return [[fold(node.name), { node, check, server }]];
    }),
  );
}

/** Puts an agent that is here in the place of the one with its name or its ID. */
function keep(tx: Transaction, { node, check, server }: Agent): void {
  for (const { name } of node.id === '' ? [] : tx.list('nodes', 'id', node.id))
    if (nodeKey(name) !== nodeKey(node.name)) deregisterNode(tx, name);
  tx.put('nodes', withoutIndexes(node));
  tx.put('checks', withoutIndexes(check));
  if (server !== undefined) tx.put('services', withoutIndexes(server));
}
