import type { Endpoint } from '../endpoint.ts';
import { deleteConfigEntry, deleteUnnamedConfigEntry } from './delete.ts';
import { getConfigEntry, listConfigEntries } from './get.ts';
import { putConfigEntry } from './put.ts';

export const configEndpoints: readonly Endpoint[] = [
  putConfigEntry,
  listConfigEntries,
  deleteUnnamedConfigEntry,
  getConfigEntry,
  deleteConfigEntry,
];
