import { fileTrouble, MusterError, messageOf } from '../../../errors.ts';
import { FollowedFile } from '../../followed-file.ts';
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
  const routes = new FollowedFile(path);
  // A file that is not there at the start is a mistake; later it may be on its way.
  try {
    routes.read();
  } catch (cause) {
    throw new MusterError(
      'config.unreadable',
      `registry.file.path: cannot read ${path}: ${fileTrouble(cause)}`,
      { cause },
    );
  }
  let cancel = () => {};
  return {
    start({ clock, setCommands, setNoRoutePage }) {
      const html = page === '' ? undefined : new FollowedFile(page);
      let isFirst = true;
      const look = () => {
        follow(routes, isFirst, (text) => setCommands([{ name: path, text }]));
        if (html !== undefined) follow(html, isFirst, setNoRoutePage);
        isFirst = false;
        cancel = clock.after(LOOK, look);
      };
      const follow = (file: FollowedFile, always: boolean, tell: (text: string) => void) => {
        try {
          if (file.changed() || always) tell(file.read());
          file.found();
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
