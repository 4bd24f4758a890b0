import { closeSync, openSync } from 'node:fs';

/**
 * A descriptor that is kept for when no other is left: given up, it lets a newcomer in, who can be refused only then. Else he would
 * wait in the backlog for somebody else to leave. Another thread may be quicker to take what was given up.
 */
export class SpareDescriptor {
  #fd = -1;

  constructor() {
    this.takeBack();
  }

  /** Makes room for one. False: there was none to give up. */
  giveUp(): boolean {
    if (this.#fd < 0) return false;
    closeSync(this.#fd);
    this.#fd = -1;
    return true;
  }

  /** Whether it is there (again). To be asked now and then: somebody else may have had it. */
  takeBack(): boolean {
    if (this.#fd >= 0) return true;
    try {
      this.#fd = openSync('/dev/null', 'r');
    } catch {
      // None is left for it either.
      return false;
    }
    return true;
  }
}
