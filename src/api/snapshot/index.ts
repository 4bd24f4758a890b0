import type { Endpoint } from '../endpoint.ts';
import { snapshotRestore } from './restore.ts';
import { snapshotSave } from './save.ts';

export const snapshotEndpoints: readonly Endpoint[] = [snapshotSave, snapshotRestore];
