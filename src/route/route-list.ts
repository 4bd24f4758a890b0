import type { Entry } from './entry.ts';
import type { RouteView } from './view.ts';

/**
 * Views of all routes: hosts in order, the paths of a host from long to short, as they are tried and as fabio lists
 * them. Of tens of thousands a few change at a time, so the list is not sorted anew for them.
 */
export class RouteList {
  #views: readonly RouteView[] = [];
  /** What of an entry is in the list. */
  readonly #listed = new Map<Entry, RouteView>();
  readonly #touched = new Set<Entry>();

  /** To be called whenever something about it may have changed. One that is empty is not listed. */
  touch(entry: Entry): void {
    if (entry.isEmpty && !this.#listed.has(entry)) this.#touched.delete(entry);
    else this.#touched.add(entry);
  }

  /** The same array again while nothing changed. */
  views(): readonly RouteView[] {
    const gone = new Set<RouteView>();
    const come: RouteView[] = [];
    for (const entry of this.#touched) {
      const before = this.#listed.get(entry);
      const after = entry.isEmpty ? undefined : entry.view();
      if (before === after) continue;
      if (before !== undefined) gone.add(before);
      if (after === undefined) this.#listed.delete(entry);
      else {
        this.#listed.set(entry, after);
        come.push(after);
      }
    }
    this.#touched.clear();
    if (gone.size + come.length > 0) this.#views = merged(this.#views, gone, come.sort(compareViews));
    return this.#views;
  }
}

function merged(views: readonly RouteView[], gone: ReadonlySet<RouteView>, come: readonly RouteView[]) {
  const all: RouteView[] = [];
  let at = 0;
  for (const view of views) {
    if (gone.has(view)) continue;
    for (let next = come[at]; next !== undefined && compareViews(next, view) < 0; next = come[++at])
      all.push(next);
    all.push(view);
  }
  for (; at < come.length; at++) all.push(come[at] as RouteView);
  return all;
}

function compareViews(a: RouteView, b: RouteView): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.path !== b.path) return a.path > b.path ? -1 : 1;
  return 0;
}
