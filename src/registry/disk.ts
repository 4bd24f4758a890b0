import type { CheckStatus } from '../catalog/rows.ts';
import { type CheckSpec, EMPTY_SPEC } from '../health/spec.ts';
import { isSame } from '../lib/same.ts';
import type { Environment } from '../store/environment.ts';
import { fromText, toText } from '../store/row-text.ts';
import type { Source } from './definition.ts';
import type { LocalCheck, LocalService, LocalState } from './local.ts';

/** What a TTL check was last told, so that a restart of the agent does not make it critical. */
export interface TtlState {
  readonly id: string;
  readonly status: CheckStatus;
  readonly output: string;
  /** When it expires, ms since the epoch. */
  readonly expires: number;
}

interface Kept {
  services: LocalService;
  checks: LocalCheck;
  ttls: TtlState;
}

/** One row to keep or, without `row`, to forget. */
export type Keep = { [T in keyof Kept]: { table: T; id: string; row: Kept[T] | undefined } }[keyof Kept];

/** What to write so that the disk has what is true of these IDs now. It keeps what came through the API; the configuration keeps itself. */
export function keepOf(local: LocalState, services: readonly string[], checks: readonly string[]): Keep[] {
  const keep: Keep[] = [];
  for (const id of new Set(services)) keep.push({ table: 'services', id, row: ofApi(local.service(id)) });
  for (const id of new Set(checks)) {
    const check = local.check(id);
    keep.push({ table: 'checks', id, row: ofApi(check) });
    if (check === undefined) keep.push({ table: 'ttls', id, row: undefined });
  }
  return keep;
}

function ofApi<Row extends { source: Source }>(row: Row | undefined): Row | undefined {
  return row?.source === 'api' ? row : undefined;
}

/** Where this node's own registrations outlive the process. */
export interface LocalDisk {
  load(): { services: LocalService[]; checks: LocalCheck[]; ttls: TtlState[] };
  /** Resolves when the rows would survive a crash of the machine. All or nothing. */
  write(rows: readonly Keep[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Keeps the registrations in an environment that is there already: that of the store, whose commits then reach the disk in
 * the same record. Who opened it closes it.
 */
export function localDiskIn(environment: Environment): LocalDisk {
  const load = <T extends keyof Kept>(name: T): Kept[T][] =>
    [...environment.rows(`local-${name}`)].map((text) => fromText<Kept[T]>(text));
  return {
    load: () => ({ services: load('services'), checks: load('checks').map(whole), ttls: load('ttls') }),
    write: (rows) =>
      environment.write(
        rows.map(({ table, id, row }) => ({
          table: `local-${table}`,
          key: id,
          text: row && toText('spec' in row && row.spec !== null ? { ...row, spec: givenOf(row.spec) } : row),
        })),
      ),
    close: () => Promise.resolve(),
  };
}

function whole(check: LocalCheck): LocalCheck {
  return check.spec === null ? check : { ...check, spec: { ...EMPTY_SPEC, ...check.spec } };
}

/** What was given of a spec: of its thirty fields two or three are. Who reads it fills in the others. */
function givenOf(spec: CheckSpec): Partial<CheckSpec> {
  const given: Record<string, unknown> = {};
  for (const name in spec) {
    const field = name as keyof CheckSpec;
    if (!isSame(spec[field], EMPTY_SPEC[field])) given[name] = spec[field];
  }
  return given;
}

/** Keeps nothing over a restart (`-dev`). */
export const noDisk: LocalDisk = {
  load: () => ({ services: [], checks: [], ttls: [] }),
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
