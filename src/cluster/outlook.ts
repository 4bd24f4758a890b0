/** How far a catalog is behind another. */
export interface Lag {
  /** Revisions that it lacks. */
  readonly revisions: number;
  /** For how long there has been one that it lacks, in ms. */
  readonly ms: number;
}

export const NO_LAG: Lag = { revisions: 0, ms: 0 };

/** What one node has to do with another, and over what. */
export const LINKS = {
  feed: 'lines over TLS 1.3',
  calls: 'HTTP/2 over TLS 1.3',
  peer: "etcd's own over TLS 1.3",
} as const;
export type LinkKind = keyof typeof LINKS;

export interface LinkState {
  readonly kind: LinkKind;
  readonly isUp: boolean;
  /** For so many ms; null: as long as the one who tells has been there. */
  readonly age: number | null;
  /** Why it is down, as far as that is known. */
  readonly trouble: string;
}

/** What one node knows of another. Times are ages in ms: clocks of nodes differ. */
export interface Sighting {
  /** UUID of the node. */
  readonly id: string;
  /** Of its program; "": it does not say. */
  readonly version: string;
  /** Since it was last heard of here; null: never. */
  readonly silence: number | null;
  /** Index of its catalog as it last said; null: it does not say. */
  readonly index: number | null;
  /** Behind the catalog of the one who tells, when it said that. */
  readonly lag: Lag | null;
  readonly links: readonly LinkState[];
}

/** What one node sees of the others. */
export interface Outlook {
  /** UUID of the node that tells. */
  readonly by: string;
  readonly version: string;
  /** Of its catalog. */
  readonly index: number;
  readonly sightings: readonly Sighting[];
}
