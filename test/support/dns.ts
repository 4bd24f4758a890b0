import { createSocket } from 'node:dgram';

const SRV = 33;

/** Ms; longer than a busy machine takes, as nobody asks again. */
const PATIENCE = 30_000;

/** As `dig` asks: recursion desired, one question, and EDNS with room for 1,232 bytes. */
function question(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const head = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
  const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
  return Buffer.from([...head, ...labels, 0, 0, type, 0, 1, ...opt]);
}

/** Where a name ends that begins at `at`; names in answers may point to earlier ones. */
function endOfName(message: Buffer, at: number): number {
  let end = at;
  for (;;) {
    const length = message.readUInt8(end);
    if (length === 0) return end + 1;
    if (length >= 0xc0) return end + 2;
    end += 1 + length;
  }
}

/** The ports of all SRV records in an answer. */
function portsIn(message: Buffer): number[] {
  const ports: number[] = [];
  let at = endOfName(message, 12) + 4;
  for (let answers = message.readUInt16BE(6); answers > 0; answers--) {
    const record = endOfName(message, at);
    if (message.readUInt16BE(record) === SRV) ports.push(message.readUInt16BE(record + 14));
    at = record + 10 + message.readUInt16BE(record + 8);
  }
  return ports;
}

/** The ports that `dig @127.0.0.1 -p PORT NAME SRV` lists, asked over UDP. */
export async function srvPorts(port: number, name: string): Promise<number[]> {
  const socket = createSocket('udp4');
  try {
    const message = await new Promise<Buffer>((resolve, reject) => {
      setTimeout(() => reject(new Error(`no answer for ${name} within ${PATIENCE} ms`)), PATIENCE).unref();
      socket.on('error', reject);
      socket.on('message', resolve);
      socket.send(question(4711, name, SRV), port, '127.0.0.1');
    });
    return portsIn(message);
  } finally {
    socket.close();
  }
}
