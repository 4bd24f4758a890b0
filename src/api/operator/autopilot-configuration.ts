import { putSetting } from '../../catalog/commands/setting.ts';
import { formatDuration, parseDuration } from '../../lib/duration.ts';
import type { ApiContext } from '../context.ts';
import {
  boolean,
  type Decoded,
  decodeBody,
  duration,
  integer,
  object,
  optional,
  string,
  uint64,
} from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

export const AUTOPILOT_SETTING = 'autopilot';

/** What Consul begins with. Nothing here acts on it: the store looks after its own members. */
const DEFAULTS = {
  CleanupDeadServers: true,
  LastContactThreshold: '200ms',
  MaxTrailingLogs: 250,
  MinQuorum: 0,
  ServerStabilizationTime: '10s',
  RedundancyZoneTag: '',
  DisableUpgradeMigration: false,
  UpgradeVersionTag: '',
};

const BODY = object(
  {
    CleanupDeadServers: boolean,
    LastContactThreshold: optional(duration),
    MaxTrailingLogs: integer,
    MinQuorum: integer,
    ServerStabilizationTime: optional(duration),
    RedundancyZoneTag: string,
    DisableUpgradeMigration: boolean,
    UpgradeVersionTag: string,
    CreateIndex: uint64,
    ModifyIndex: uint64,
  },
  { name: 'AutopilotConfiguration' },
);

export const autopilotConfiguration = endpoint({
  method: 'GET',
  path: '/v1/operator/autopilot/configuration',
  needs: 'operator:read',
  summary: 'How servers that fail are dealt with',
  query: { dc: 'datacenter to ask' },
  handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    return json(current(context));
  },
});

export const setAutopilotConfiguration = endpoint({
  method: 'PUT',
  path: '/v1/operator/autopilot/configuration',
  needs: 'operator:write',
  summary: 'Sets how servers that fail are dealt with; answers whether that was done',
  query: { cas: 'only if the ModifyIndex is this one', dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    const { query } = request;
    checkDatacenter(context, query.get('dc'));
    const body = await decodeBody(request, BODY, {
      failed: (reason) => `Bad request: Error parsing autopilot config: ${reason}`,
    });
    const cas = query.get('cas');
    if (query.has('cas') && !isUint64(cas))
      throw badRequest(
        `Bad request: Error parsing cas value: strconv.ParseUint: parsing ${JSON.stringify(cas)}: invalid syntax`,
      );
    const value = merged(body, current(context));
    const { answer } = await context.store.write((tx) =>
      putSetting(tx, { name: AUTOPILOT_SETTING, value }, query.has('cas') ? Number(cas) : undefined),
    );
    return json(answer);
  },
});

/** What `strconv.ParseUint` takes: clients reckon with indexes, also below 0. */
function isUint64(text: string): boolean {
  return /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n;
}

function current({ catalog }: ApiContext) {
  const setting = catalog.get('settings', AUTOPILOT_SETTING);
  const indexes = { CreateIndex: setting?.createIndex ?? 0, ModifyIndex: setting?.modifyIndex ?? 0 };
  return { ...DEFAULTS, ...setting?.value, ...indexes };
}

/** Durations that the request leaves out stay as they are. */
function merged(body: Decoded<typeof BODY>, known: typeof DEFAULTS): typeof DEFAULTS {
  const written = (ms: number | undefined, before: string) =>
    formatDuration(ms ?? (parseDuration(before) as number));
  return {
    CleanupDeadServers: body.CleanupDeadServers,
    LastContactThreshold: written(body.LastContactThreshold, known.LastContactThreshold),
    MaxTrailingLogs: body.MaxTrailingLogs,
    MinQuorum: body.MinQuorum,
    ServerStabilizationTime: written(body.ServerStabilizationTime, known.ServerStabilizationTime),
    RedundancyZoneTag: body.RedundancyZoneTag,
    DisableUpgradeMigration: body.DisableUpgradeMigration,
    UpgradeVersionTag: body.UpgradeVersionTag,
  };
}
