/** Where certificates come from: the common shape of all kinds. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ChallengeBoard } from '../acme/client.ts';
import type { PemPair } from '../tls/certificate.ts';

/** All that a source has at the moment, unread: whether it is any good is found out behind it. */
export interface Findings {
  /** The first one that is good is for clients that name nobody we know. */
  readonly certificates: readonly PemPair[];
  /** PEM texts: who may have issued the certificates of clients. Undefined: the source has nothing to say about clients. */
  readonly clientCa?: readonly Text[];
  /** Entries that are no certificate at all, in words with their place. */
  readonly strays?: readonly string[];
}

export interface Text {
  readonly place: string;
  readonly text: string;
}

export interface SourceContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Answers challenges on our listeners; undefined: there is none that could. */
  readonly challenges?: ChallengeBoard | undefined;
  /** This process's own key/value store, where there is one. */
  readonly catalog?: Catalog | undefined;
  /** The source has this now; told at least once as soon as it is known, then on changes (or more often). */
  found(findings: Findings): void;
  /** It cannot be asked, in words with its place; what was found before stays in use. */
  trouble(why: string): void;
}

/** A kind of source. */
export interface SourceKind<Options> {
  /** One sentence for help and pages. */
  readonly about: string;
  /** Begins to look; the answer ends it. */
  follow(options: Options, context: SourceContext): () => void;
}
