import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Acl } from '../acl/acl.ts';
import { AGENT_TOKENS, AgentTokens, type AgentTokenValues } from '../acl/agent-tokens.ts';
import { beginAcl } from '../acl/commands/bootstrap.ts';
import { reapTokens } from '../acl/commands/token.ts';
import { Transaction } from '../catalog/transaction.ts';
import { fileTrouble, isMusterError, MusterError, messageOf } from '../errors.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { writeWhole } from '../lib/write-whole.ts';
import type { LocalNode } from '../registry/node.ts';
import { isReadable, type Store } from '../store/store.ts';
import type { Parts } from './doors.ts';
import type { Truth } from './truth.ts';

/** Tokens that were set while running, and the file that allows another bootstrap. Consul's name for the latter. */
const TOKENS_FILE = 'acl-tokens.json';
const RESET_FILE = 'acl-bootstrap-reset';

/** Between two attempts to put in place what is there at the beginning, in ms. */
const RETRY = 500;

/** How often expired tokens are forgotten, in ms. Nobody knows them from the moment they expire. */
const REAP_INTERVAL = 60_000;

/** Starts access control. What it begins with is still to be put in place: `putInPlace`. */
export function startAcl(
  { config, clock, log, teardown }: Parts,
  { store, leadership }: Pick<Truth, 'store' | 'leadership'>,
  node: LocalNode,
  dataDirectory: string | undefined,
): Acl {
  const logger = log.logger.child('acl');
  const { enabled: _enabled, tokens: configured, ...options } = config.acl;
  const { initialManagement, ...own } = configured;
  const initial =
    initialManagement === '' ? undefined : { accessorId: randomUUID(), secretId: initialManagement };
  const begin = (tx: Transaction) => beginAcl(tx, initial);
  const file =
    options.enableTokenPersistence && dataDirectory !== undefined
      ? path.join(dataDirectory, TOKENS_FILE)
      : undefined;
  const tokens = new AgentTokens(
    own,
    file === undefined ? {} : readTokens(file),
    file === undefined ? undefined : async (values) => writeWhole(file, JSON.stringify(values)),
  );
  // By one clock: a node whose clock is wrong would take tokens from all.
  const end = leadership.whileLeading(() => reapExpired(store, clock, logger));
  teardown.add('expired tokens', end);
  return new Acl({
    catalog: store.catalog,
    clock,
    datacenter: node.datacenter,
    node: node.name,
    defaultPolicy: options.defaultPolicy,
    enableKeyListPolicy: options.enableKeyListPolicy,
    tokens,
    isReadable: () => isReadable(store),
    begin,
    takeBootstrapReset: () => takeReset(dataDirectory, logger),
  });
}

/**
 * Puts in place what access control begins with. Those who keep the truth may be away, and mostly it is there. Where it is not they are about to elect their first leader, which may take longer than
 * a write waits. Rejects with why it could not be written once `signal` is aborted.
 */
export async function putInPlace(
  { begin }: Pick<Acl, 'begin'>,
  store: Store,
  { clock, logger, signal }: { clock: Clock; logger: Logger; signal?: AbortSignal | undefined },
): Promise<void> {
  for (let isTold = false; !isThere(begin, store); ) {
    try {
      await store.write(begin);
      return;
    } catch (error) {
      if (signal?.aborted || !isMusterError(error, 'store.no_leader')) throw error;
      if (!isTold) logger.info('waiting for a leader, to put in place what access control begins with');
      isTold = true;
      await pause(clock, RETRY);
    }
  }
}

/** Whether a command would change nothing, as far as is known here. */
function isThere(command: (tx: Transaction) => void, { catalog }: Store): boolean {
  const tx = new Transaction(catalog, catalog.index + 1);
  command(tx);
  return tx.isEmpty;
}

/** Forgets expired tokens now and again and again. The answer ends it. */
function reapExpired(store: Store, clock: Clock, logger: Logger): () => void {
  let cancel = () => {};
  const reap = () => {
    const now = clock.now();
    if (store.catalog.all('aclTokens').some(({ expiresAt }) => expiresAt !== null && expiresAt <= now))
      store
        .write((tx) => reapTokens(tx, now))
        .catch((error: unknown) => logger.warn(`could not forget expired tokens: ${messageOf(error)}`));
    cancel = clock.after(REAP_INTERVAL, reap);
  };
  reap();
  return () => cancel();
}

function readTokens(file: string): Partial<AgentTokenValues> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new MusterError(
      'store.unusable',
      `cannot read the agent's tokens from ${file}: ${fileTrouble(cause)}`,
    );
  }
  try {
    const kept = JSON.parse(text) as Record<string, unknown>;
    const known = AGENT_TOKENS.filter((name) => typeof kept[name] === 'string');
    return Object.fromEntries(known.map((name) => [name, kept[name]]));
  } catch {
    // Not the parser's own words: they quote the text, and that is secret.
    throw new MusterError('store.unusable', `${file} is no JSON: remove it and set the agent's tokens again`);
  }
}

/** The index in the file, which counts once; 0 when there is none. */
function takeReset(dataDirectory: string | undefined, logger: Logger): number {
  if (dataDirectory === undefined) return 0;
  const file = path.join(dataDirectory, RESET_FILE);
  try {
    const index = Number(/^\s*(\d{1,15})/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
    rmSync(file);
    return index;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn(`could not take ${file}: ${messageOf(error)}`);
    return 0;
  }
}
