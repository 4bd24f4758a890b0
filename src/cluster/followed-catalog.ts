import type { Catalog } from '../catalog/catalog.ts';
import { TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import { difference } from '../store/difference.ts';
import type { FeedMessage } from './feed-message.ts';

/** Takes what a server's feed says into a catalog that nobody else changes. */
export class FollowedCatalog {
  readonly #catalog: Catalog;
  #isLoaded = false;
  /** Rows lie in it of a first feed that broke off. */
  #hasRemains = false;
  /** Of a whole catalog that is on its way. */
  #rows: Write[] = [];

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Whether it was whole once: before that nobody may read it. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Another feed begins. Rows of the last one that was not whole are worth nothing. */
  begin(): void {
    this.#rows = [];
    this.#hasRemains = !this.#isLoaded && this.#hasRows();
  }

  /** False: it does not fit, the server has to be asked anew. */
  take(message: Exclude<FeedMessage, { kind: 'news' }>): boolean {
    const catalog = this.#catalog;
    switch (message.kind) {
      case 'state':
        // A cluster without a majority may know of nothing yet.
        if (message.index === catalog.index && (message.index > 0 || message.known)) this.#isLoaded = true;
        return true;
      case 'rows':
        // Into empty tables they go as they come, a few ms at a time: the node must not fall silent meanwhile.
        if (this.#isLoaded || this.#hasRemains) this.#rows.push(...message.writes);
        else catalog.load(0, message.writes);
        return true;
      case 'whole': {
        const rows = this.#rows;
        this.#rows = [];
        if (!this.#isLoaded) catalog.load(message.index, this.#hasRemains ? difference(catalog, rows) : []);
        else if (message.index > catalog.index) catalog.apply(message.index, difference(catalog, rows));
        else if (message.index < catalog.index) return false;
        this.#isLoaded = true;
        return true;
      }
      case 'commit':
        if (message.index <= catalog.index) return true;
        if (message.base !== catalog.index) return false;
        catalog.apply(message.index, message.writes);
        this.#isLoaded = true;
        return true;
    }
  }

  #hasRows(): boolean {
    return TABLE_NAMES.some((table) => this.#catalog.count(table) > 0);
  }
}
