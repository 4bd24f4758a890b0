/**
 * Output of instances that outlive Muster: in files, which take what is written while no Muster runs. How far each was
 * read is noted beside it, up to the end of a line, so that a later run goes on there. A file that has been read and is
 * large is emptied.
 */
import {
  closeSync,
  constants,
  type FSWatcher,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../lib/make-directory.ts';
import { LONGEST_LINE } from './lines.ts';

export type OutputStream = 'stdout' | 'stderr';
export type TakeOutput = (stream: OutputStream, chunk: Buffer) => void;

const STREAMS: readonly OutputStream[] = ['stdout', 'stderr'];
/** Read at a time, and at most so many times before others have a turn. */
const CHUNK = 64 * 1024;
const CHUNKS = 16;
/** A file above this size is emptied once it was read to its end. */
const LARGE = 1024 * 1024;
/** How often all files are looked at where changes are told, and where they are not; ms. */
const SWEEP = 1_000;
const SWEEP_UNTOLD = 200;

/** The directory with the output of all instances of an agent. */
export class OutputFolder {
  readonly #path: string;
  readonly #followed = new Map<string, FollowedOutput>();
  #watcher: FSWatcher | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#path = directory;
    makeDirectory(directory, 0o700);
  }

  /** Empty files for the output of an instance, open to be written at their end. The caller closes them. */
  create(name: string): Record<OutputStream, number> {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
    this.remove(name);
    const open = (stream: OutputStream) =>
      openSync(this.#file(name, stream), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
    return { stdout: open('stdout'), stderr: open('stderr') };
  }

  /** Hands on what is written from where an earlier run left off, until it is ended. Throws when the files are gone. */
  follow(name: string, take: TakeOutput): FollowedOutput {
    const followed = new FollowedOutput(
      {
        stdout: this.#file(name, 'stdout'),
        stderr: this.#file(name, 'stderr'),
        read: this.#file(name, 'read'),
      },
      take,
      () => {
        this.#followed.delete(name);
        if (this.#followed.size === 0) this.#rest();
      },
    );
    this.#followed.set(name, followed);
    this.#wake();
    followed.read();
    return followed;
  }

  /** Notes how far the output of an instance was read that is kept elsewhere, by its engine; `of` says which output. */
  note(name: string, of: string, place: string): void {
    try {
      writeFileSync(this.#file(name, 'place'), `${of} ${place}`, { mode: 0o600 });
    } catch {
      // A full disk: a later run reads some lines once more.
    }
  }

  /** Undefined when nothing is noted of this output. */
  noted(name: string, of: string): string | undefined {
    try {
      const [which, place] = readFileSync(this.#file(name, 'place'), 'utf8').split(' ');
      return which === of ? place : undefined;
    } catch {
      return undefined;
    }
  }

  /** Removes the files of an instance. */
  remove(name: string): void {
    for (const kind of [...STREAMS, 'read', 'place'] as const)
      rmSync(this.#file(name, kind), { force: true });
  }

  #file(name: string, kind: OutputStream | 'read' | 'place'): string {
    return path.join(this.#path, `${name}.${kind}`);
  }

  #wake(): void {
    if (this.#sweep !== undefined) return;
    let every = SWEEP;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (_, file) => {
        if (file !== null) this.#followed.get(path.parse(file).name)?.read();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // The system has no watches left.
      every = SWEEP_UNTOLD;
    }
    this.#sweep = setInterval(() => {
      for (const followed of this.#followed.values()) followed.read();
    }, every);
    this.#sweep.unref();
  }

  #rest(): void {
    this.#watcher?.close();
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

interface FollowedFile {
  readonly stream: OutputStream;
  readonly fd: number;
  /** How far it was read, and how far up to the end of a line. */
  at: number;
  atLine: number;
}

export class FollowedOutput {
  readonly #files: readonly FollowedFile[];
  /** Where it is noted how far they were read. */
  readonly #noted: number;
  readonly #take: TakeOutput;
  readonly #closed: () => void;
  #isOpen = true;
  #isQueued = false;

  /** Use `OutputFolder.follow`. */
  constructor(paths: Record<OutputStream | 'read', string>, take: TakeOutput, closed: () => void) {
    const { O_RDWR, O_CREAT } = constants;
    this.#take = take;
    this.#closed = closed;
    this.#noted = openSync(paths.read, O_RDWR | O_CREAT, 0o600);
    const noted = Buffer.alloc(16);
    readSync(this.#noted, noted, 0, 16, 0);
    this.#files = STREAMS.map((stream, index) => {
      const fd = openSync(paths[stream], O_RDWR);
      const known = noted.readDoubleLE(index * 8);
      // A file that is shorter was emptied after it had been noted.
      const at = known <= fstatSync(fd).size ? known : 0;
      return { stream, fd, at, atLine: at };
    });
  }

  /** Hands on what there is now; what is very much comes in several turns. */
  read(): void {
    if (!this.#isOpen) return;
    let isMore = false;
    for (const file of this.#files) isMore = this.#readSome(file, CHUNKS) || isMore;
    if (!isMore || this.#isQueued) return;
    this.#isQueued = true;
    setImmediate(() => {
      this.#isQueued = false;
      this.read();
    });
  }

  /** Hands on the rest and closes the files. */
  end(): void {
    if (!this.#isOpen) return;
    for (const file of this.#files) while (this.#readSome(file, CHUNKS));
    this.release();
  }

  /** Closes the files; a later run goes on where this one was. */
  release(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { fd } of this.#files) closeSync(fd);
    closeSync(this.#noted);
    this.#closed();
  }

  /** Whether there may be more. */
  #readSome(file: FollowedFile, most: number): boolean {
    const begin = file.at;
    for (let count = 0; count < most; count++) {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const size = readSync(file.fd, buffer, 0, CHUNK, file.at);
      if (size === 0) {
        if (file.at !== begin) this.#note(file);
        return false;
      }
      const end = buffer.lastIndexOf('\n', size - 1);
      if (end !== -1) file.atLine = file.at + end + 1;
      file.at += size;
      // Beyond the longest line it is handed on in pieces.
      if (file.at - file.atLine > LONGEST_LINE) file.atLine = file.at;
      this.#take(file.stream, buffer.subarray(0, size));
    }
    this.#note(file);
    return true;
  }

  #note(file: FollowedFile): void {
    try {
      if (file.at > LARGE && file.at === file.atLine && fstatSync(file.fd).size === file.at) {
        // Who writes does so at the end, wherever that is.
        ftruncateSync(file.fd);
        file.at = 0;
        file.atLine = 0;
      }
      const place = Buffer.alloc(8);
      place.writeDoubleLE(file.atLine);
      writeSync(this.#noted, place, 0, 8, STREAMS.indexOf(file.stream) * 8);
    } catch {
      // A full disk: a later run reads some lines once more.
    }
  }
}
