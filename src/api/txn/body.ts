import { CHECK_BODY, SERVICE_BODY } from '../catalog/bodies.ts';
import { base64, type Decoded, list, object, optional, record, string, uint64 } from '../decode.ts';

const KV_BODY = object(
  {
    Verb: string,
    Key: string,
    Value: base64,
    Flags: uint64,
    Index: uint64,
    Session: string,
  },
  { name: 'KVTxnOp' },
);

const NODE_BODY = object(
  {
    ID: string,
    Node: string,
    Address: string,
    Datacenter: string,
    TaggedAddresses: record(string),
    Meta: record(string),
    CreateIndex: uint64,
    ModifyIndex: uint64,
  },
  { name: 'Node' },
);

/** The operations of a transaction; in each exactly one of the fields counts. */
export const TXN_BODY = list(
  object(
    {
      KV: optional(KV_BODY),
      Node: optional(object({ Verb: string, Node: NODE_BODY }, { name: 'NodeTxnOp' })),
      Service: optional(
        object({ Verb: string, Node: string, Service: SERVICE_BODY }, { name: 'ServiceTxnOp' }),
      ),
      Check: optional(object({ Verb: string, Check: CHECK_BODY }, { name: 'CheckTxnOp' })),
    },
    { name: 'TxnOp' },
  ),
);

export type TxnOperation = NonNullable<Decoded<typeof TXN_BODY>>[number];
export type KvOperation = NonNullable<TxnOperation['KV']>;
export type NodeOperation = NonNullable<TxnOperation['Node']>;
export type ServiceOperation = NonNullable<TxnOperation['Service']>;
export type CheckOperation = NonNullable<TxnOperation['Check']>;
