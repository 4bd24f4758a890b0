import { readFileSync, statSync } from 'node:fs';
import { MusterError, messageOf } from '../../../errors.ts';
import type { OpenRegistry } from './kind.ts';

/** How often the files are looked at (ms): fabio reads them once, we notice when they change. */
const LOOK = 1_000;

/** Routes and the page without a route from files; followed when they change. */
export const openFile: OpenRegistry = ({ values }, log) => {
  const path = values['registry.file.path'];
  const page = values['registry.file.noroutehtmlpath'];
  if (path === '')
    throw new MusterError(
      'config.invalid',
      'registry.file.path is missing: name the file with the route commands',
    );
  const routes = fileAt(path);
  // A file that is not there at the start is a mistake; later it may be on its way.
  try {
    routes.read();
  } catch (cause) {
    throw new MusterError('config.unreadable', `registry.file.path: ${messageOf(cause)}`, { cause });
  }
  let cancel = () => {};
  return {
    start({ clock, setCommands, setNoRoutePage }) {
      const html = page === '' ? undefined : fileAt(page);
      let isFirst = true;
      const look = () => {
        follow(routes, isFirst, (text) => setCommands([{ name: path, text }]));
        if (html !== undefined) follow(html, isFirst, setNoRoutePage);
        isFirst = false;
        cancel = clock.after(LOOK, look);
      };
      const follow = (file: File, always: boolean, tell: (text: string) => void) => {
        try {
          if (file.changed() || always) tell(file.read());
        } catch (error) {
          if (file.isMissed())
            log.warn(`a file cannot be read; what it said stays in force: ${messageOf(error)}`);
        }
      };
      look();
    },
    stop: () => cancel(),
  };
};

type File = ReturnType<typeof fileAt>;

function fileAt(path: string) {
  let stamp = '';
  let missed = false;
  return {
    read: () => readFileSync(path, 'utf8'),
    /** Whether it is another one than at the last look. */
    changed(): boolean {
      const { mtimeMs, size, ino } = statSync(path);
      missed = false;
      const now = `${mtimeMs} ${size} ${ino}`;
      const isNew = now !== stamp;
      stamp = now;
      return isNew;
    },
    /** True once for each time that it went away. */
    isMissed(): boolean {
      const before = missed;
      missed = true;
      stamp = '';
      return !before;
    },
  };
}
