// @ts-check
// What the parts of the registry's benchmark have in common.

/** Muster and what is compared with it have a core to themselves, clients and backends the other. */
export const SUBJECT_CPU = '0';
export const CLIENT_CPU = '1';

/**
 * A line of the table at the end: what was to be reached and what was.
 * @typedef {{ what: string, reach: string, reached: string, isReached: boolean, beside: string }} Verdict
 * What a part gives back. `isRight`: every answer was right, and none was missing.
 * @typedef {{ figures: unknown, verdicts: Verdict[], isRight: boolean }} Part
 */
