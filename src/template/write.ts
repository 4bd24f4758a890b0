/** Files written whole or not at all: beside the old one, synced, checked, then renamed over it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileTrouble, MusterError } from '../errors.ts';
import { groupId, userId } from '../lib/accounts.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import { runCommand } from './command.ts';
import type { FileToWrite } from './functions/entry.ts';
import { toBytes } from './language/index.ts';
import { type TemplateSettings, WHOLE_ENVIRONMENT } from './settings.ts';

type Destination = Pick<
  TemplateSettings,
  'destination' | 'createDestDirs' | 'perms' | 'user' | 'group' | 'backup' | 'check' | 'checkTimeout'
>;

const NEW_FILE_MODE = 0o644;

interface Existing {
  readonly bytes: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

async function existing(file: string): Promise<Existing | undefined> {
  try {
    const [bytes, { mode, uid, gid }] = await Promise.all([fs.readFile(file), fs.stat(file)]);
    return { bytes, mode: mode & 0o7777, uid, gid };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/**
 * Writes the text if the file says anything else (or is not owned as it should be). True when it has changed. Throws
 * `template.unwritable` with the reason, `template.refused` when the check refuses the new file; the old one stays then.
 */
export async function writeOutput(text: string, settings: Destination): Promise<boolean> {
  const { destination } = settings;
  try {
    const bytes = Buffer.from(toBytes(text));
    const before = await existing(destination);
    const [uid, gid] = [userId(settings.user), groupId(settings.group)];
    const owned =
      before === undefined || ((uid === -1 || uid === before.uid) && (gid === -1 || gid === before.gid));
    if (before !== undefined && owned && before.bytes.equals(bytes)) return false;
    await replace(bytes, before, { uid, gid }, settings);
    return true;
  } catch (cause) {
    if (cause instanceof MusterError) throw cause;
    throw new MusterError('template.unwritable', `cannot write ${destination}: ${fileTrouble(cause)}`, {
      cause,
    });
  }
}

async function replace(
  bytes: Buffer,
  before: Existing | undefined,
  { uid, gid }: { uid: number; gid: number },
  settings: Destination,
): Promise<void> {
  const { destination, createDestDirs, perms, backup, check, checkTimeout } = settings;
  const folder = path.dirname(destination);
  if (createDestDirs) makeDirectory(folder, 0o755);
  else if (!existsSync(folder))
    throw new MusterError(
      'template.unwritable',
      `cannot write ${destination}: there is no folder ${folder}; make it, or let create_dest_dirs`,
    );
  const candidate = path.join(folder, `.${path.basename(destination)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await fs.open(candidate, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      const owner = [uid === -1 ? (before?.uid ?? -1) : uid, gid === -1 ? (before?.gid ?? -1) : gid] as const;
      if (owner[0] !== -1 || owner[1] !== -1) await own(file, owner, uid !== -1 || gid !== -1);
      await file.chmod(perms ?? before?.mode ?? NEW_FILE_MODE);
      await file.sync();
    } finally {
      await file.close();
    }
    if (check !== '') await verify(candidate, check, checkTimeout, destination);
    if (backup && before !== undefined) await keep(destination);
    await fs.rename(candidate, destination);
    await syncFolder(folder);
  } catch (cause) {
    await fs.rm(candidate, { force: true });
    throw cause;
  }
}

/** Who asked for an owner is told when it cannot be; keeping the one there was is done where it may be. */
async function own(
  file: fs.FileHandle,
  [uid, gid]: readonly [number, number],
  isWanted: boolean,
): Promise<void> {
  const now = await file.stat();
  if ((uid === -1 || uid === now.uid) && (gid === -1 || gid === now.gid)) return;
  try {
    await file.chown(uid === -1 ? now.uid : uid, gid === -1 ? now.gid : gid);
  } catch (cause) {
    if (isWanted) throw cause;
  }
}

async function verify(candidate: string, check: string, timeout: number, destination: string): Promise<void> {
  const quoted = `'${candidate.replaceAll("'", "'\\''")}'`;
  const { code, output } = await runCommand([check.replaceAll('{}', quoted)], {
    timeout,
    environment: WHOLE_ENVIRONMENT,
    keepsOutput: true,
    shell: true,
  });
  if (code === 0) return;
  const said = output.replaceAll(candidate, destination).trim();
  throw new MusterError(
    'template.refused',
    `the check ${JSON.stringify(check)} refused what would become ${destination} (${code === 'timeout' ? `no answer within ${timeout} ms` : `code ${code}`})${said === '' ? '' : `: ${said}`}`,
  );
}

/** The file before as `.bak`; a hard link, so that there is never a moment without the file itself. */
async function keep(destination: string): Promise<void> {
  const backup = `${destination}.bak`;
  const next = `${backup}.${randomBytes(4).toString('hex')}`;
  await fs.link(destination, next);
  await fs.rename(next, backup);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isLink(name: string): Promise<boolean> {
  return fs.lstat(name).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** What `writeToFile` of a template asked for. */
export async function writeFile({
  path: file,
  content,
  user,
  group,
  mode,
  append,
}: FileToWrite): Promise<void> {
  const whole = append ? ((await existing(file))?.bytes.toString('latin1') ?? '') : '';
  const text = append
    ? Buffer.concat([Buffer.from(whole, 'latin1'), toBytes(content)])
    : Buffer.from(toBytes(content));
  // Who may put a link there would have us write, with our rights, wherever they like.
  for (const name of [path.dirname(file), file])
    if (await isLink(name))
      throw new MusterError(
        'template.unwritable',
        `writeToFile: ${name} is a symbolic link; name what it leads to`,
      );
  const before = await existing(file);
  if (before?.bytes.equals(text) === true && before.mode === mode) return;
  await replace(
    text,
    before,
    { uid: userId(user), gid: groupId(group) },
    {
      destination: file,
      createDestDirs: true,
      perms: mode,
      user,
      group,
      backup: false,
      check: '',
      checkTimeout: 0,
    },
  );
}
