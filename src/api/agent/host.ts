import { statfs } from 'node:fs/promises';
import { cpus, freemem, hostname, loadavg, platform, release, totalmem, uptime } from 'node:os';
import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { agentOf } from './context.ts';

export const host = endpoint({
  method: 'GET',
  path: '/v1/agent/host',
  needs: 'operator:read',
  isLocal: true,
  summary: 'Memory, processors and disk of the machine',
  async handler(context) {
    const { dataDirectory } = agentOf(context);
    const now = context.clock.now();
    const total = totalmem();
    const free = freemem();
    return json({
      Memory: {
        total,
        available: free,
        used: total - free,
        usedPercent: ((total - free) / total) * 100,
        free,
      },
      CPU: cpus().map(({ model, speed }, cpu) => ({ cpu, modelName: model, mhz: speed })),
      Host: {
        hostname: hostname(),
        uptime: Math.floor(uptime()),
        bootTime: Math.floor(now / 1000 - uptime()),
        os: platform(),
        kernelVersion: release(),
        load: loadavg(),
      },
      Disk: await disk(dataDirectory),
      // Nanoseconds, as Go counts time.
      CollectionTime: now * 1e6,
      Errors: null,
    });
  },
});

async function disk(path: string): Promise<object> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path);
  const [total, used] = [blocks * bsize, (blocks - bfree) * bsize];
  return {
    path,
    total,
    free: bavail * bsize,
    used,
    usedPercent: total === 0 ? 0 : (used / total) * 100,
    inodesTotal: files,
    inodesFree: ffree,
  };
}
