/** `[[template]]`: a file that the agent keeps as a template says. `[[haproxy]]`: the servers of a backend in HAProxy. */
import * as z from 'zod';
import { formatDuration } from '../../lib/duration.ts';
import { DEFAULT_HAPROXY } from '../../template/haproxy/settings.ts';
import { DEFAULT_TEMPLATE } from '../../template/settings.ts';
import { duration } from './fields.ts';

const text = () => z.string().default('');

const waitSchema = z
  .strictObject({
    min: duration().prefault('0s').describe('So long nothing more may have come.'),
    max: duration().optional().describe('After this it is rendered all the same. Default: four times `min`.'),
  })
  .prefault({})
  .describe('Let changes come to rest before they are rendered. Off: the feed tells each change once.');

export const templateSchema = z.strictObject({
  source: z.string().optional().describe('The file with the template, relative to this file.'),
  contents: z.string().optional().describe('The template itself, instead of `source`.'),
  destination: z.string().min(1).describe('The file to write, relative to this file.'),
  command: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((value) => (value === undefined ? [] : typeof value === 'string' ? [value] : value))
    .describe('Run when the file has changed: a text for a shell, or a program with its arguments.'),
  commandTimeout: duration()
    .prefault(formatDuration(DEFAULT_TEMPLATE.commandTimeout))
    .describe(
      'After that the command is killed, with all that it started. `0s`: it goes on, and nothing waits for it.',
    ),
  check: text().describe(
    'A command that has to succeed on the new file before it replaces the old one; `{}` is its name: `haproxy -c -f {}`.',
  ),
  checkTimeout: duration()
    .prefault(formatDuration(DEFAULT_TEMPLATE.checkTimeout))
    .describe('After that the check has failed.'),
  perms: z
    .string()
    .regex(/^0?[0-7]{3,4}$/, 'expected permissions such as "0644"')
    .transform((mode) => Number.parseInt(mode, 8))
    .optional()
    .describe('Permissions, as "0644". Default: those of the file there is, 0644 for a new one.'),
  user: text().describe('Owner, by name or number.'),
  group: text().describe('Group, by name or number.'),
  backup: z.boolean().default(false).describe('Keep the file before as `.bak`.'),
  createDestDirs: z.boolean().default(true).describe('Make the folders of the destination.'),
  errorOnMissingKey: z
    .boolean()
    .default(false)
    .describe('A key that a map has not is an error instead of nothing.'),
  leftDelimiter: z.string().min(1).default(DEFAULT_TEMPLATE.delimiters.left).describe('Opens an action.'),
  rightDelimiter: z.string().min(1).default(DEFAULT_TEMPLATE.delimiters.right).describe('Closes it.'),
  wait: waitSchema,
  minEntries: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Lists of instances with fewer do not replace what was rendered: a guard against losing all at once.',
    ),
  functionDenylist: z
    .array(z.string())
    .default([])
    .describe('Functions that it may not call; `*` stands for anything.'),
  sandboxPath: text().describe('The only folder from which the function `file` may read.'),
});

export const haproxySchema = z.strictObject({
  socket: z
    .string()
    .min(1)
    .describe('Path of its stats socket (`level admin`), relative to this file, or host:port.'),
  backend: z.string().min(1).describe('Name of the backend.'),
  service: z.string().min(1).describe('Whose instances are its servers: `tag.name|passing,warning`.'),
  serverOptions: text().describe('Behind each new server: `check inter 1s`.'),
  drain: duration()
    .prefault(formatDuration(DEFAULT_HAPROXY.drain))
    .describe("How long a leaving server's sessions may go on."),
  minEntries: z.int().min(0).default(0).describe('A list with fewer instances changes nothing.'),
});
