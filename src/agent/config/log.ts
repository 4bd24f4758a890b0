import * as z from 'zod';
import { LOG_LEVELS } from '../../lib/log.ts';
import { LOG_FILE_DEFAULTS } from '../../lib/log-file.ts';
import { duration } from './fields.ts';

export const logSchema = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Least important lines that are written.'),
    format: z
      .enum(['pretty', 'json'])
      .default('pretty')
      .describe('`pretty` for people, `json` for programs: one object per line.'),
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A file for them besides, relative to this one; with a slash at its end a folder, for a `muster.log` in it.',
      ),
    rotateBytes: z
      .int()
      .min(0)
      .default(LOG_FILE_DEFAULTS.rotateBytes)
      .describe('The file is begun anew once it has so many bytes. 0: never for its size.'),
    rotateDuration: duration().prefault('24h').describe('And once it is so old. `"0s"`: never for its age.'),
    rotateMaxFiles: z
      .int()
      .min(-1)
      .default(LOG_FILE_DEFAULTS.keep)
      .describe('How many earlier files are kept: 0 all of them, -1 none.'),
  })
  .prefault({})
  .describe('Log lines, on standard error and in a file.');
