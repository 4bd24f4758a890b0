import * as z from 'zod';
import { formatDuration } from '../../lib/duration.ts';
import { DEFAULT_FLOOD_POLICY } from '../../registry/flood.ts';
import { bytes, duration } from './fields.ts';

export const healthSchema = z
  .strictObject({
    enableScriptChecks: z
      .boolean()
      .default(false)
      .describe(
        'Let clients of the API and files register checks that run programs. Off: who can reach the API could run anything as the user of this agent.',
      ),
    checkUpdateInterval: duration()
      .prefault('5m')
      .describe(
        "How often a change of a check's output alone is written to the catalog. Consul's: outputs with times in them would keep everybody awake.",
      ),
    checkOutputMaxSize: bytes({ least: 1, most: 1024 * 1024 })
      .prefault(4096)
      .describe("Most of a check's output that is kept. Consul's."),
    discardCheckOutput: z
      .boolean()
      .default(false)
      .describe(
        'Keep no output of checks at all: nothing is written for what changes in it. Off, as in Consul.',
      ),
    enableLocalScriptChecks: z
      .boolean()
      .default(false)
      .describe('Let files alone register such checks. Off, so that no program runs unasked.'),
    floodShare: z
      .number()
      .gt(0)
      .max(1)
      .default(DEFAULT_FLOOD_POLICY.share)
      .describe(
        "Part of this node's instances whose checks may become critical within `flood_interval`; the others keep their state until there is room. A broken switch makes everything look dead at once and must not empty the catalog. 1: no limit.",
      ),
    floodFloor: z
      .int()
      .min(1)
      .default(DEFAULT_FLOOD_POLICY.floor)
      .describe(
        'So many instances may become critical within `flood_interval`, however few there are. A host that dies with all that runs on it is believed at once.',
      ),
    floodInterval: duration({ least: 1000 })
      .prefault(formatDuration(DEFAULT_FLOOD_POLICY.interval))
      .describe(
        'For `flood_share` and `flood_floor`. Long enough for somebody to look, or for a switch to come back.',
      ),
  })
  .prefault({})
  .describe('How checks are carried out.');
