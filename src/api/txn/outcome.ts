/** What one operation of a transaction adds to the answer, e.g. `{ KV: … }`. */
export type Outcome = Readonly<Record<string, unknown>>;

/** An operation that cannot be done: its words go into the answer and the whole transaction is undone. */
export class OperationError extends Error {}

export interface OperationFailure {
  readonly OpIndex: number;
  readonly What: string;
}

/** Ends a transaction without a trace. */
export class TransactionFailed extends Error {
  readonly failures: readonly OperationFailure[];

  constructor(failures: readonly OperationFailure[]) {
    super('the transaction was undone');
    this.failures = failures;
  }
}
