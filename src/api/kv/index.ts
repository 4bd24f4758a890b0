import type { Endpoint } from '../endpoint.ts';
import { deleteKey } from './delete.ts';
import { getKey } from './get.ts';
import { putKey } from './put.ts';

export const kvEndpoints: readonly Endpoint[] = [getKey, putKey, deleteKey];
