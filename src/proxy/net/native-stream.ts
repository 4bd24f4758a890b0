/**
 * Node's own stream handles, as far as they are used here: what `net.Socket` sits on. Hot path: a write through
 * `stream.Writable` costs 0.6 µs that buy nothing when the kernel takes everything at once, as it nearly always does.
 */

import type { Socket } from 'node:net';

/** The handle of a connected socket. */
export interface StreamHandle {
  /** Bytes that libuv holds and the kernel has not taken. */
  readonly writeQueueSize: number;
  /** 0, or a negative error number. Tries at once; the rest is written later, and only then `request` is used up. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** Called for every read, with the outcome in `streamBaseState`. */
  onread: (this: StreamHandle, bytes: unknown) => unknown;
}

export interface WriteRequest {
  /** The rest of an asynchronous write has gone out, or never will (negative status). */
  oncomplete?: (status: number) => void;
  /** Kept alive while the kernel has not taken them. */
  bytes?: Uint8Array;
}

export interface ShutdownRequest {
  /** The direction has ended behind everything sent, or could not (negative status). */
  oncomplete?: (status: number) => void;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  /** What the last call on any handle of this thread left behind. */
  readonly streamBaseState: ArrayLike<number>;
  readonly kReadBytesOrError: number;
  readonly kArrayBufferOffset: number;
  readonly kLastWriteWasAsync: number;
}

/** Undefined where this version of Node does not hand it out: then sockets are written to in the documented way. */
export const streams: StreamBinding | undefined = streamBinding();

function streamBinding(): StreamBinding | undefined {
  const found = bindingOf<StreamBinding>('stream_wrap');
  const isWhole =
    typeof found?.WriteWrap === 'function' &&
    typeof found.ShutdownWrap === 'function' &&
    found.streamBaseState !== undefined &&
    typeof found.kReadBytesOrError === 'number' &&
    typeof found.kArrayBufferOffset === 'number' &&
    typeof found.kLastWriteWasAsync === 'number';
  return isWhole ? (found as StreamBinding) : undefined;
}

/** What a part of Node written in C++ hands out; undefined where this version does not. Whatever is used of it has to be looked at. */
export function bindingOf<Binding>(name: string): Partial<Binding> | undefined {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<Binding> };
  try {
    return binding?.(name);
  } catch {
    return undefined;
  }
}

/** The handle of a connected socket, undefined when it cannot be written to directly. */
export function handleOf(socket: object): StreamHandle | undefined {
  if (streams === undefined) return undefined;
  const handle = (socket as { _handle?: Partial<StreamHandle> | null })._handle;
  return typeof handle?.writeBuffer === 'function' ? (handle as StreamHandle) : undefined;
}

/**
 * Calls `received` with the length of every read, past the bookkeeping of `net.Socket`, which goes on seeing ends and
 * errors. The socket must have been made with `onread`, whose callback stays in use where there is no direct way.
 */
export function readDirectly(socket: object, received: (length: number) => void): void {
  const handle = handleOf(socket);
  if (handle === undefined || typeof handle.onread !== 'function') return;
  const { streamBaseState, kReadBytesOrError } = streams!;
  const usual = handle.onread;
  handle.onread = function (bytes) {
    const outcome = streamBaseState[kReadBytesOrError]!;
    if (outcome > 0) received(outcome);
    else return usual.call(this, bytes);
    return undefined;
  };
}

interface BufferedHandle extends StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): void;
  readStop(): void;
}

/** Holds the peer back, or not any more. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/**
 * The same for a socket that was made without `onread`, from now on: what it read before has to be gone from it already. For a
 * TLS socket that is so in the turn in which its handshake ends.
 */
export function readInto(socket: Socket, buffer: Buffer, received: (length: number) => void): Flow {
  const handle = handleOf(socket) as (StreamHandle & Partial<BufferedHandle>) | undefined;
  if (isBuffered(handle)) {
    handle.useUserBuffer(buffer);
    readDirectly(socket, received);
    // The socket's own `pause` holds back what goes through its stream, and nothing does.
    return {
      pause: () => {
        if (!socket.destroyed) handle.readStop();
      },
      resume: () => {
        if (!socket.destroyed) handle.readStart();
      },
    };
  }
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += buffer.length) {
      const part = chunk.subarray(at, at + buffer.length);
      buffer.set(part);
      received(part.length);
    }
  });
  return { pause: () => void socket.pause(), resume: () => void socket.resume() };
}

/** Whether it reads into a buffer that it is given. */
export function isBuffered(handle: Partial<BufferedHandle> | undefined): handle is BufferedHandle {
  return (
    typeof handle?.useUserBuffer === 'function' &&
    typeof handle.readStart === 'function' &&
    typeof handle.readStop === 'function'
  );
}
