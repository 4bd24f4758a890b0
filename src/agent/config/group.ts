/** `[[group]]`: a number of like instances that Muster itself runs. */
import { z } from 'zod';
import { DRIVERS, type DriverKind } from '../../group/drivers.ts';
import { duration, label, portRange } from './fields.ts';

export const groupSchema = z.strictObject({
  name: label().describe('Name of the group; its instances are `name-1`, `name-2` and so on.'),
  driver: z
    .enum(Object.keys(DRIVERS) as [DriverKind, ...DriverKind[]])
    .default('process')
    .describe('What an instance is: `process` is a program on this machine.'),
  replicas: z.int().min(0).max(1000).default(1).describe('How many instances.'),
  command: z
    .array(z.string(), {
      error: 'expected a list: the program and its arguments, such as ["node", "app.mjs"]',
    })
    .min(1)
    .describe(
      'The program and its arguments; `$PORT`, `$MUSTER_INSTANCE` and the like are filled in. No shell is involved.',
    ),
  cwd: z.string().default('.').describe('Directory in which the program runs, relative to this file.'),
  env: z
    .record(z.string(), z.string())
    .default({})
    .describe("Variables besides Muster's own environment; `$PORT` and the like are filled in."),
  ports: z
    .array(label())
    .min(1)
    .default(['http'])
    .describe('Names of the ports that each instance gets: `PORT_HTTP` and so on; the first is `PORT` too.'),
  portRange: portRange()
    .prefault('20000-29999')
    .describe(
      'Where the ports come from. Below the range that Linux hands to outgoing connections, so that a port stays free over a restart.',
    ),
  stopTimeout: duration({ least: 0 })
    .prefault('10s')
    .describe('How long an instance may take after SIGTERM; then it is killed with everything it started.'),
  restart: z
    .strictObject({
      base: duration({ least: 10 })
        .prefault('500ms')
        .describe('Pause after the first crash; doubles with each further one.'),
      max: duration({ least: 10 })
        .prefault('30s')
        .describe('Longest pause: a broken program costs little, a repaired one is back soon.'),
      resetAfter: duration({ least: 0 })
        .prefault('10s')
        .describe('An instance that stayed up this long starts again at `base`.'),
    })
    .prefault({})
    .describe(
      'How an instance that ended by itself is started again, each time after half to the whole of the pause.',
    ),
  service: z
    .string()
    .optional()
    .describe('The service as which the instances register: `muster up` waits until they all pass.'),
  route: z
    .string()
    .optional()
    .describe(
      'A path that leads to the instances: `muster up` waits until it is routed and sends a first request.',
    ),
});
