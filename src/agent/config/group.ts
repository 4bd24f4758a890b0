/** `[[group]]`: a number of like instances that Muster itself runs. */
import * as z from 'zod';
import { GROUP_KINDS } from '../../group/drivers.ts';
import { portVariable } from '../../group/variables.ts';
import { autoscaleSchema } from './autoscale.ts';
import { serviceSchema } from './definitions.ts';
import { bytes, duration, label, portRange } from './fields.ts';
import { refuseUnfitListen } from './group-listen.ts';

const containerSchema = z.strictObject({
  image: z.string().min(1).describe('The image. It has to be there already: Muster fetches none.'),
  engine: z
    .string()
    .default('')
    .describe(
      "Where the engine listens, as in DOCKER_HOST. Left out: what DOCKER_HOST says, or Docker's usual socket.",
    ),
  ports: z
    .record(z.string(), z.int().min(1).max(65535))
    .default({})
    .describe(
      'On which ports the program in the image listens, by the names of `ports`: `{ http = 80 }`. A name that is not here: on its `$PORT`.',
    ),
  publish: z
    .string()
    .default('127.0.0.1')
    .describe('Address at which the ports are published. Loopback, so that nothing is reachable unasked.'),
  network: z
    .string()
    .min(1)
    .default('bridge')
    .describe('Network of the containers: `bridge`, `host`, or the name of one.'),
  volumes: z
    .array(z.string())
    .default([])
    .describe('Folders and volumes: "/here:/there", "/here:/there:ro", "volume:/there".'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Labels besides those by which Muster knows its containers.'),
  memory: bytes().prefault(0).describe('Most memory of one container. 0: no limit.'),
  cpus: z.number().min(0).default(0).describe('Most processors of one container. 0: no limit.'),
});

const limitsSchema = z.strictObject({
  openFiles: z.int().min(1).optional().describe('Open files (nofile).'),
  processes: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Processes and threads of the user, all programs together (nproc). Holds for nobody who is root.',
    ),
  coreSize: bytes().optional().describe('Size of a core dump (core). 0: none is written.'),
  addressSpace: bytes({ least: 4096 })
    .optional()
    .describe('Addresses (as). Node, Java and Go reserve far more than they use.'),
  dataSize: bytes({ least: 4096 }).optional().describe('Memory of its own that it writes to (data).'),
  stackSize: bytes({ least: 4096 }).optional().describe('Stack of its first thread (stack).'),
  fileSize: bytes().optional().describe('Size of a file that it writes (fsize).'),
  lockedMemory: bytes().optional().describe('Memory that is not swapped (memlock).'),
  cpuTime: duration({ least: 1000 })
    .optional()
    .describe(
      'Time of the processor, in whole seconds (cpu); then the system ends it, and it is started again.',
    ),
});

const gceName = () =>
  z.string().regex(/^[a-z](?:[-a-z0-9.:]{0,62})$/, {
    error: 'expected a name as Google has them: small letters, digits and "-"',
  });

const gceSchema = z
  .strictObject({
    project: gceName().describe('Project.'),
    zone: gceName().optional().describe('Zone of the group, such as "europe-west3-a".'),
    region: gceName()
      .optional()
      .describe('Region of a group that is spread over zones, such as "europe-west3".'),
    name: gceName().describe('Name of the managed instance group. Muster resizes it; it makes none.'),
    credentials: z
      .string()
      .optional()
      .describe(
        'File with the key of a service account, relative to this file. Left out: the account of the machine that Muster runs on.',
      ),
    endpoint: z
      .url()
      .optional()
      .describe('Where the API is, for proxies. Left out: https://compute.googleapis.com/compute/v1.'),
    metadata: z
      .url()
      .optional()
      .describe('Where the metadata server is. Left out: http://metadata.google.internal.'),
  })
  .refine(({ zone, region }) => (zone === undefined) !== (region === undefined), {
    error: 'expected either `zone` or `region`',
  });

/** Two names of which programs would find one variable. */
function refuseSamePorts(names: readonly string[], context: z.RefinementCtx): void {
  const known = new Map<string, string>();
  for (const [at, name] of names.entries()) {
    const variable = portVariable(name);
    const other = known.get(variable);
    known.set(variable, name);
    if (other !== undefined)
      context.addIssue({
        code: 'custom',
        path: [at],
        message: `expected another name than "${other}": both would be ${variable}`,
      });
  }
}

/** Groups are known by their names: to those who ask for one, on the disk, in the registry. */
export function refuseSameNames(
  groups: readonly { readonly name: string }[],
  context: z.RefinementCtx,
): void {
  const known = new Set<string>();
  for (const [at, { name }] of groups.entries()) {
    if (known.has(name))
      context.addIssue({ code: 'custom', path: [at, 'name'], message: `there is a group "${name}" already` });
    known.add(name);
  }
}

export const groupSchema = z
  .strictObject({
    name: label().describe('Name of the group; its instances are `name-1`, `name-2` and so on.'),
    driver: z
      .enum(GROUP_KINDS)
      .default('process')
      .describe(
        'What an instance is: `process` is a program on this machine, `docker` a container of an engine (`[group.container]`), `gce-mig` a machine of a managed instance group that there is already at Google (`[group.gce]`).',
      ),
    replicas: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe('How many instances; with `autoscale` how many at the start.'),
    command: z
      .array(z.string(), {
        error: 'expected a list: the program and its arguments, such as ["node", "app.mjs"]',
      })
      .min(1)
      .refine(([program]) => program !== '', { error: 'expected the program, got ""', path: [0] })
      .default([])
      .describe(
        'The program and its arguments; `$PORT`, `$MUSTER_INSTANCE` and the like are filled in. No shell is involved. Of a container: what its image runs, when it is left out.',
      ),
    gce: gceSchema.optional().describe('Which managed instance group `gce-mig` looks after.'),
    container: containerSchema.optional().describe('What the containers of driver `docker` are made from.'),
    cwd: z.string().default('.').describe('Directory in which the program runs, relative to this file.'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe("Variables besides Muster's own environment; `$PORT` and the like are filled in."),
    limits: limitsSchema
      .optional()
      .describe(
        'What the system allows each process of an instance of driver `process` (setrlimit), on Linux. More than Muster itself may have needs root. Left out: as Muster itself.',
      ),
    ports: z
      .array(label())
      .min(1)
      .superRefine(refuseSamePorts)
      .default(['http'])
      .describe(
        'Names of the ports that each instance gets: `PORT_HTTP` and so on; the first is `PORT` too.',
      ),
    portRange: portRange()
      .prefault('20000-29999')
      .describe(
        'Where the ports come from. Below the range that Linux hands to outgoing connections, so that a port stays free over a restart.',
      ),
    listen: z
      .record(z.string(), z.string())
      .optional()
      .describe(
        'Addresses at which Muster listens for each instance, by names of your choice: `{ http = "127.0.0.1:$PORT" }`, `{ http = "10.0.0.$MUSTER_NUMBER:80" }`. The program gets the open sockets as systemd passes them (`LISTEN_FDS`, `LISTEN_FDNAMES`). Whoever connects while an instance was killed waits for its next start and is not reset. Driver `process`, TCP, on Linux. Left out: the program opens its own.',
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
    onExit: z
      .enum(['keep', 'end'])
      .optional()
      .describe(
        'What becomes of the instances when Muster ends, by SIGTERM or by a crash: `keep` lets them run on until it is there again and takes them over, `end` ends them. Left out: `muster agent` with a data directory keeps them, unless it is itself an instance of a group; `muster up` ends them.',
      ),
    drainTimeout: duration()
      .prefault('10s')
      .describe(
        'How long requests in flight may take at an instance that gets no new ones before it is ended.',
      ),
    placement: z
      .strictObject({
        grace: duration({ least: 1000 })
          .prefault('15s')
          .describe('Instances of a node that is silent for so long are started on others.'),
        nodeMeta: z
          .record(z.string(), z.string())
          .default({})
          .describe('What a node has to have in its `meta` to get instances, such as `{ role = "web" }`.'),
        cutOff: z
          .enum(['keep', 'end'])
          .default('keep')
          .describe(
            'What a node does that hears of no server for `grace`: `keep` its instances running, or `end` them, since they are started elsewhere. `keep`, so that traffic goes on while all servers are away.',
          ),
      })
      .optional()
      .describe(
        'Spreads the instances over the agents of a cluster that have this group in their configuration, or `run_groups` in `[cluster]`: by zone (`zone` in `[node] meta`), then by node. Left out: all run on this node.',
      ),
    autoscale: autoscaleSchema
      .optional()
      .describe('Lets the size follow the load. Left out: `replicas`, or what `muster group scale` says.'),
    heal: z
      .strictObject({
        after: duration({ least: 1000 })
          .prefault('30s')
          .describe('An instance whose checks fail for so long is replaced.'),
        initialDelay: duration()
          .prefault('60s')
          .describe('Not before it has run for so long: until then it may still be starting.'),
        most: z.int().min(1).default(1).describe('So many are replaced within `window`.'),
        window: duration({ least: 1000 }).prefault('30s').describe('See `most`.'),
        holdAbove: z
          .number()
          .min(0)
          .max(1)
          .default(0.5)
          .describe(
            'When more than this share fails at once none is replaced: it is hardly their own fault.',
          ),
      })
      .optional()
      .describe('Replaces instances whose checks fail. Left out: only those that end are started again.'),
    update: z
      .strictObject({
        maxSurge: z.int().min(0).default(1).describe('So many more than the size during an update.'),
        maxUnavailable: z
          .int()
          .min(0)
          .default(0)
          .describe(
            'So many fewer than the size may be ready. None: a new one is ready before an old one goes.',
          ),
        minReady: duration()
          .optional()
          .describe(
            'A new instance counts, and a rollout is at its end, once it has passed for so long. Left out: 0s; without `service`, where an instance passes as soon as it runs, 5s.',
          ),
        canary: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe(
            'This share is updated first; the others wait for `muster group resume`. 0: nobody waits.',
          ),
        rollback: z
          .strictObject({
            worse: z
              .number()
              .min(0)
              .max(1)
              .default(0.05)
              .describe(
                'So much larger may the share of failed requests of new instances be than that of the old ones.',
              ),
            requests: z.int().min(1).default(50).describe('Fewer requests to new instances say nothing.'),
            deadline: duration({ least: 1000 })
              .prefault('5m')
              .describe('An update without a single new instance that passes by then has failed.'),
          })
          .prefault({})
          .describe('When an update is taken back by itself.'),
      })
      .prefault({})
      .refine(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0, {
        error: 'expected `max_surge` or `max_unavailable` above 0, or nothing could ever be replaced',
      })
      .describe('How instances are replaced by those of another description, or by `muster group roll`.'),
    service: z
      .string()
      .optional()
      .describe(
        'The service as which the instances register: their checks decide who is ready, and `muster up` waits until they all pass.',
      ),
    register: serviceSchema
      .omit({ name: true, id: true, port: true })
      .optional()
      .describe(
        'Registers each instance as `service` at its first port, for programs that do not do so themselves; `$PORT` and the like are filled in.',
      ),
    route: z
      .string()
      .startsWith('/', { error: ({ input }) => `expected a path such as "/cart", got "${input}"` })
      .optional()
      .describe(
        'A path that leads to the instances: `muster up` waits until it is routed and sends a first request.',
      ),
  })
  .refine(({ driver, command }) => driver !== 'process' || command.length > 0, {
    error: 'expected the program and its arguments, such as ["node", "app.mjs"]',
    path: ['command'],
  })
  .refine(({ driver, container }) => (driver === 'docker') === (container !== undefined), {
    error: 'expected `driver = "docker"` and `[group.container]` together',
    path: ['driver'],
  })
  .refine(({ driver, limits }) => driver === 'process' || limits === undefined, {
    error: 'expected only with driver `process`; containers have `memory` and `cpus` in `[group.container]`',
    path: ['limits'],
  })
  .superRefine(refuseUnfitListen)
  .refine(
    ({ container, ports }) => Object.keys(container?.ports ?? {}).every((name) => ports.includes(name)),
    {
      error: 'expected names that are in the `ports` of the group',
      path: ['container', 'ports'],
    },
  )
  .refine(({ register, service }) => register === undefined || service !== undefined, {
    error: 'expected `service`, the name under which instances are registered',
    path: ['service'],
  });
