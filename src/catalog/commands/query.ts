import { isMusterError, MusterError } from '../../errors.ts';
import { uuidLookupError } from '../../lib/uuid.ts';
import { compileTemplate } from '../prepared-query/template.ts';
import type { PreparedQuery } from '../rows.ts';
import { fold } from '../tables.ts';
import type { Draft, Transaction } from '../transaction.ts';

/**
 * Makes a prepared query, or puts it in the place of the one with its ID. Throws `request.rejected` in Consul's words
 * when its name is taken or is the ID of another query, its session is not there, or its template cannot be used.
 */
export function setQuery(tx: Transaction, draft: Draft<PreparedQuery>): PreparedQuery {
  const { id, name, session } = draft;
  const isTaken = (rows: readonly PreparedQuery[]) => rows.some((row) => row.id !== id);
  if (name !== '' && isTaken(tx.list('queries', 'name', fold(name))))
    throw rejected(`name '${name}' aliases an existing query name`);
  if (name === '' && draft.template.type !== '' && isTaken(tx.list('queries', 'template', '')))
    throw rejected('a query template with an empty name already exists');
  if (name !== '' && tx.get('queries', fold(name)) !== undefined)
    throw rejected(`name '${name}' aliases an existing query ID`);
  if (session !== '') checkSession(tx, session);
  if (draft.template.type !== '') checkTemplate(draft);
  return tx.put('queries', draft);
}

/** Deletes a prepared query. False when there is none. */
export function deleteQuery(tx: Transaction, id: string): boolean {
  return tx.delete('queries', id);
}

/** Deletes the prepared queries that end with a session. */
export function endQueriesOfSession(tx: Transaction, session: string): void {
  for (const { id } of tx.list('queries', 'session', session)) tx.delete('queries', id);
}

function checkSession(tx: Transaction, session: string): void {
  const fault = uuidLookupError(session);
  if (fault !== undefined) throw rejected(`invalid session: index error: ${fault}`);
  if (tx.get('sessions', fold(session)) === undefined)
    throw rejected(`invalid session ${JSON.stringify(session)}`);
}

function checkTemplate(draft: Draft<PreparedQuery>): void {
  try {
    compileTemplate(draft);
  } catch (error) {
    if (isMusterError(error, 'request.rejected'))
      throw rejected(`failed compiling template: ${error.message}`);
    throw error;
  }
}

function rejected(message: string): MusterError {
  return new MusterError('request.rejected', message);
}
