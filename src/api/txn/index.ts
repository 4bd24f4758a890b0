import type { Endpoint } from '../endpoint.ts';
import { txn } from './txn.ts';

export const txnEndpoints: readonly Endpoint[] = [txn];
