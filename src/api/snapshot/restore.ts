import { restore } from '../../catalog/commands/restore.ts';
import { restoreForeign, type Silent } from '../../catalog/commands/restore-foreign.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty, json } from '../reply.ts';
import { countedByTable, readSnapshot, type Snapshot, SnapshotError } from './read-archive.ts';

/** A restore is rare and wanted: its bound is far above that of other bodies, but there is one. */
const MAX_ARCHIVE = 256 * 1024 * 1024;

export const snapshotRestore = endpoint({
  method: 'PUT',
  path: '/v1/snapshot',
  needs: 'acl:write',
  summary:
    'Puts everything back to what it was when the archive was made. Of a snapshot of Consul: answers what was taken over and what was left out',
  query: { dc: 'datacenter to ask' },
  body: 'The archive, of Muster or of Consul',
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const archive = await request.body({ limit: MAX_ARCHIVE });
    const snapshot = await readSnapshot(archive, context.clock.now()).catch((error: unknown) => {
      if (error instanceof SnapshotError || error instanceof SyntaxError || error instanceof TypeError)
        throw new HttpError(500, `failed to read snapshot file: ${error.message}`);
      throw error;
    });
    const { answer: silent } = await context.store.write((tx) => {
      const gone = restored(tx, snapshot);
      // The archive may be of a time or a place without access control: nobody is to be locked out by it.
      context.acl?.begin(tx);
      return gone;
    });
    if (silent === undefined) return empty();
    const told = tellOf(snapshot, silent);
    context.logger.child('snapshot').info('a snapshot of Consul was restored', {
      restored: listed(told.Restored),
      leftOut: listed(told.LeftOut),
    });
    return json(told);
  },
});

/** Answers whom nobody hears here; undefined of an archive of ours. */
function restored(tx: Transaction, { origin, writes }: Snapshot): Silent | undefined {
  if (origin === 'Consul') return restoreForeign(tx, writes);
  restore(tx, writes);
  return undefined;
}

/** What was taken over from Consul, and what was not. */
function tellOf({ index, writes, leftOut }: Snapshot, silent: Silent) {
  const ended = silent.sessions === 0 ? {} : { 'sessions whose agent is not here': silent.sessions };
  return {
    From: 'Consul',
    Index: index,
    Restored: countedByTable(writes),
    LeftOut: { ...leftOut, ...ended },
    SilentAgents: silent.agents,
  };
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}
