import type { Socket } from 'node:net';

/**
 * Writes `text` and resolves with what comes back on the connection, once that is `whole`: what was sent at once may come in parts. Rejects
 * when the connection ends before.
 */
export function says(socket: Socket, text: string, whole: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const end = (): void => {
      socket.off('data', hear);
      socket.off('error', fail);
      socket.off('close', close);
    };
    const hear = (part: Buffer | string): void => {
      heard += String(part);
      if (!whole.test(heard)) return;
      end();
      resolve(heard);
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const close = (): void => fail(new Error(`the connection ended behind ${JSON.stringify(heard)}`));
    socket.on('data', hear);
    socket.on('error', fail);
    socket.on('close', close);
    if (socket.destroyed) close();
    else socket.write(text);
  });
}
