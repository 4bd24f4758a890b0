import { z } from 'zod';
import { LOG_LEVELS } from '../../lib/log.ts';

export const logSchema = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Least important lines that are written.'),
    format: z
      .enum(['pretty', 'json'])
      .default('pretty')
      .describe('`pretty` for people, `json` for programs: one object per line.'),
  })
  .prefault({})
  .describe('Log lines, on standard error.');
