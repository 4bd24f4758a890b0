import type { Endpoint } from '../endpoint.ts';
import { createPreparedQuery } from './create.ts';
import { deletePreparedQuery } from './delete.ts';
import { executePreparedQuery } from './execute.ts';
import { explainPreparedQuery } from './explain.ts';
import { getPreparedQuery } from './get.ts';
import { listPreparedQueries } from './list.ts';
import { updatePreparedQuery } from './update.ts';

export const preparedQueryEndpoints: readonly Endpoint[] = [
  listPreparedQueries,
  createPreparedQuery,
  getPreparedQuery,
  updatePreparedQuery,
  deletePreparedQuery,
  executePreparedQuery,
  explainPreparedQuery,
];
