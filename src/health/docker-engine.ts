import { type IncomingMessage, request } from 'node:http';

/** Where the engine listens unless `DOCKER_HOST` says otherwise. */
const DEFAULT_HOST = 'unix:///var/run/docker.sock';
/** Of an answer in JSON; they are a few hundred bytes. */
const MAX_ANSWER = 1024 * 1024;
/** Bytes in front of each piece of output: the stream, three zeros, the length. */
const HEADER = 8;

/** What `docker exec` does, over the Docker Engine API on its unix socket. */
export interface DockerEngine {
  /** Prepares a command in a running container; resolves to the ID of the exec. */
  createExec(container: string, argv: readonly string[], signal: AbortSignal): Promise<string>;
  /** Runs it; resolves once both outputs, which go to `write` as they come, are closed. */
  startExec(id: string, write: (output: Buffer) => void, signal: AbortSignal): Promise<void>;
  inspectExec(id: string, signal: AbortSignal): Promise<ExecState>;
}

export interface ExecState {
  readonly running: boolean;
  /** Null while it runs. */
  readonly exitCode: number | null;
}

/** The engine refused. */
export class EngineError extends Error {}

/**
 * The engine at `host`, as in the variable `DOCKER_HOST`; only `unix://` is spoken. Everything rejects with an
 * `EngineError` in the engine's own words, or with what went wrong with the connection.
 */
export function dockerEngine(host: string | undefined): DockerEngine {
  const url = host === undefined || host === '' ? DEFAULT_HOST : host;
  const call = async (method: string, path: string, body: unknown, signal: AbortSignal) => {
    if (!url.startsWith('unix://'))
      throw new EngineError(`DOCKER_HOST is ${url}: containers are reached over unix:// only`);
    const answer = await send(url.slice('unix://'.length), method, path, body, signal);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status <= 299) return answer;
    throw new EngineError(refusalOf(status, await textOf(answer)));
  };
  return {
    async createExec(container, argv, signal) {
      const path = `/containers/${encodeURIComponent(container)}/exec`;
      const body = { AttachStdout: true, AttachStderr: true, Cmd: argv };
      const { Id: id } = await jsonOf(await call('POST', path, body, signal));
      if (typeof id !== 'string' || id === '') throw new EngineError('the engine did not name its exec');
      return id;
    },
    async startExec(id, write, signal) {
      const path = `/exec/${encodeURIComponent(id)}/start`;
      const answer = await call('POST', path, { Detach: false, Tty: false }, signal);
      const split = demultiplexer(write);
      for await (const chunk of answer) split(chunk as Buffer);
    },
    async inspectExec(id, signal) {
      const path = `/exec/${encodeURIComponent(id)}/json`;
      const { Running, ExitCode } = await jsonOf(await call('GET', path, undefined, signal));
      return { running: Running === true, exitCode: typeof ExitCode === 'number' ? ExitCode : null };
    },
  };
}

/**
 * Takes the stream of an exec apart: hands on the output of both streams without the headers between. Holds back
 * nothing but pieces of headers.
 */
export function demultiplexer(write: (output: Buffer) => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER);
  let have = 0;
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const part = chunk.subarray(at, at + HEADER - have);
        part.copy(header, have);
        have += part.length;
        at += part.length;
        if (have < HEADER) return;
        left = header.readUInt32BE(4);
        have = 0;
        continue;
      }
      const output = chunk.subarray(at, at + left);
      write(output);
      at += output.length;
      left -= output.length;
    }
  };
}

/** Paths have no version: these three calls are the same in all of them, and engines drop old ones. */
function send(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      Host: 'docker',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    };
    request({ socketPath, method, path, headers, agent: false, signal })
      .on('error', reject)
      .on('response', resolve)
      .end(text);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER) throw new EngineError(`the engine answered with more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

async function jsonOf(answer: IncomingMessage): Promise<Record<string, unknown>> {
  const text = await textOf(answer);
  const value = parsed(text);
  if (value === undefined) throw new EngineError('the engine did not answer with a JSON object');
  return value;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf(status: number, text: string): string {
  const message = parsed(text)?.message;
  return typeof message === 'string' ? message : `the engine answered with status ${status}`;
}
