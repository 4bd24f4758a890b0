/** A connection to an address by libuv's handle alone: see `handle-socket.ts`. */
import { isIP } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { openFiles } from '../open-files.ts';
import { type HandleEvents, HandleSocket, isTcpHandle, type TcpHandle } from './handle-socket.ts';
import { bindingOf } from './native-stream.ts';

interface DialledHandle extends TcpHandle {
  /** Its descriptor, once it connects; negative or absent where there are none. */
  readonly fd?: number;
  setNoDelay(enable: boolean): number;
  /** 0: `request` says how it went, or a negative error number. */
  connect(request: ConnectRequest, host: string, port: number): number;
  connect6(request: ConnectRequest, host: string, port: number): number;
}

interface ConnectRequest {
  oncomplete?: (status: number) => void;
}

interface TcpBinding {
  readonly TCP: { new (kind: number): object; readonly prototype: object };
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly SOCKET?: number };
}

/** As it is where the system itself has no descriptor left. */
const NONE_LEFT = -constants.errno.EMFILE;

/** Undefined where this version of Node does not hand out all that is used. */
const tcp: TcpBinding | undefined = (() => {
  const found = bindingOf<TcpBinding>('tcp_wrap');
  const isWhole =
    typeof found?.TCP === 'function' &&
    typeof found.TCPConnectWrap === 'function' &&
    typeof found.constants?.SOCKET === 'number' &&
    ['setNoDelay', 'connect', 'connect6'].every((name) => name in found.TCP!.prototype) &&
    isTcpHandle(found.TCP.prototype);
  return isWhole ? (found as TcpBinding) : undefined;
})();

export interface DialEvents extends HandleEvents {
  /** It is connected, and reads once it is resumed. */
  opened(): void;
  /** It could not be connected and is about to be closed. */
  failed(error: NodeJS.ErrnoException): void;
}

/**
 * A connection to an address, which is read into `buffer` and sends without delays. No event comes before it returns. Undefined where
 * that cannot be done: a name has to be looked up, or Node does not let its handles be used.
 */
export function dial(
  host: string,
  port: number,
  buffer: Uint8Array,
  events: DialEvents,
): HandleSocket | undefined {
  const family = isIP(host);
  if (tcp === undefined || family === 0) return undefined;
  const handle = new tcp.TCP(tcp.constants.SOCKET!) as DialledHandle;
  const socket = new HandleSocket(handle, buffer, events);
  const completed = (status: number): void => {
    if (socket.destroyed) return;
    if (status === 0) {
      events.opened();
      return;
    }
    const code = getSystemErrorName(status);
    const error = Object.assign(new Error(`connect ${code} ${host}:${port}`), { code });
    events.failed(error);
    socket.destroy(error);
  };
  handle.setNoDelay(true);
  const request = new tcp.TCPConnectWrap();
  request.oncomplete = completed;
  let failure = family === 4 ? handle.connect(request, host, port) : handle.connect6(request, host, port);
  if (failure === 0 && !openFiles.areLeftForInstances(handle.fd ?? 0)) failure = NONE_LEFT;
  if (failure !== 0) process.nextTick(completed, failure);
  return socket;
}
