import type { Authorizer } from '../../acl/authorizer.ts';
import { Transaction } from '../../catalog/transaction.ts';
import { isMusterError } from '../../errors.ts';
import { freshMeta } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { decodeBody } from '../decode.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { readOptions } from '../read-options.ts';
import { json, type Reply } from '../reply.ts';
import { metaWire } from '../wire/meta.ts';
import { TXN_BODY, type TxnOperation } from './body.ts';
import { checkOperation, nodeOperation, serviceOperation } from './entries.ts';
import { KV_READS, kvOperation } from './kv.ts';
import { OperationError, type OperationFailure, type Outcome, TransactionFailed } from './outcome.ts';
import { isVisible, vetOperation } from './vet.ts';

/** Operations in one transaction (Consul's bound): it holds up all other writes. */
const MAX_OPERATIONS = 64;

export const txn = endpoint({
  method: 'PUT',
  path: '/v1/txn',
  needs: 'checked',
  summary: 'Carries out operations over keys, nodes, services and checks: all of them or none',
  query: { dc: 'datacenter to ask', stale: 'any server may answer, if nothing is written' },
  body: TXN_BODY,
  async handler(context, request) {
    const { consistency } = readOptions(context, request);
    const operations = await readOperations(context, request);
    const { catalog, store } = context;
    const { authorizer } = request;
    try {
      if (!operations.every(isRead)) {
        const { answer } = await store.write((tx) => carryOut(tx, authorizer, operations, context));
        return json({ Results: answer, Errors: null });
      }
      const fresh = await freshMeta(context, consistency);
      const results = carryOut(
        new Transaction(catalog, catalog.index, context.clock.now()),
        authorizer,
        operations,
        context,
      );
      const meta = { index: catalog.index, ...fresh };
      return json({ Results: results, Errors: null, ...metaWire(meta) }, { meta });
    } catch (error) {
      if (error instanceof TransactionFailed) return failed(error);
      throw error;
    }
  },
});

async function readOperations(context: ApiContext, request: ApiRequest): Promise<TxnOperation[]> {
  const limit = Math.max(context.settings.kvMaxValueSize, context.settings.txnMaxSize);
  const sent =
    (await decodeBody(request, TXN_BODY, {
      limit,
      tooLarge: (size) =>
        `Request body(${size} bytes) too large, max size: ${limit} bytes. See https://www.consul.io/docs/agent/options.html#txn_max_req_len.`,
      failed: (reason) => `Failed to parse body: ${reason}`,
    })) ?? [];
  // What says nothing is no operation, as in Consul.
  const operations = sent.filter(
    ({ KV, Node, Service, Check }) => (KV ?? Node ?? Service ?? Check) !== undefined,
  );
  if (operations.length > MAX_OPERATIONS)
    throw new HttpError(
      413,
      `Transaction contains too many operations (${operations.length} > ${MAX_OPERATIONS})`,
    );
  const most = context.settings.kvMaxValueSize;
  for (const { KV } of operations) {
    if (KV !== undefined && KV.Value.length > most)
      throw new HttpError(
        413,
        `Value for key ${JSON.stringify(KV.Key)} is too large (${KV.Value.length} > ${most} bytes)`,
      );
  }
  return operations;
}

function isRead({ KV, Node, Service, Check }: TxnOperation): boolean {
  if (KV !== undefined) return KV_READS.has(KV.Verb);
  return (Node ?? Service ?? Check)?.Verb === 'get';
}

/** Goes on after an operation that fails, so that all of them are named; then throws `TransactionFailed`. */
function carryOut(
  tx: Transaction,
  authorizer: Authorizer,
  operations: readonly TxnOperation[],
  { node }: ApiContext,
): Outcome[] {
  const outcomes: Outcome[] = [];
  const failures: OperationFailure[] = [];
  operations.forEach((operation, index) => {
    try {
      vetOperation(tx, authorizer, operation);
      outcomes.push(...outcomeOf(tx, operation, node.datacenter));
    } catch (error) {
      if (
        !(
          error instanceof OperationError ||
          error instanceof HttpError ||
          isMusterError(error, 'request.rejected')
        )
      )
        throw error;
      failures.push({ OpIndex: index, What: error.message });
    }
  });
  if (failures.length > 0) throw new TransactionFailed(failures);
  return outcomes.filter((outcome) => isVisible(authorizer, outcome));
}

function outcomeOf(
  tx: Transaction,
  { KV, Node, Service, Check }: TxnOperation,
  datacenter: string,
): Outcome[] {
  if (KV !== undefined) return kvOperation(tx, KV);
  if (Node !== undefined) return nodeOperation(tx, Node, datacenter);
  if (Service !== undefined) return serviceOperation(tx, Service);
  return Check === undefined ? [] : checkOperation(tx, Check);
}

function failed({ failures }: TransactionFailed): Reply {
  return json({ Results: null, Errors: failures }, { status: 409 });
}
