import { BOOTSTRAP_SETTING } from '../../../acl/commands/bootstrap.ts';
import type { Setting } from '../../../catalog/rows.ts';
import { formatDuration, nanoseconds, parseDuration } from '../../../lib/duration.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { AUTOPILOT_SETTING } from '../../operator/autopilot-configuration.ts';
import { Fields } from './fields.ts';
import { indexes, type RecordKind } from './kind.ts';

export const autopilot: RecordKind = {
  name: 'Autopilot',
  take(value, into) {
    const record = new Fields(value);
    into.put('settings', {
      name: AUTOPILOT_SETTING,
      value: {
        CleanupDeadServers: record.flag('CleanupDeadServers'),
        LastContactThreshold: formatDuration(record.duration('LastContactThreshold')),
        MaxTrailingLogs: record.whole('MaxTrailingLogs'),
        MinQuorum: record.whole('MinQuorum'),
        ServerStabilizationTime: formatDuration(record.duration('ServerStabilizationTime')),
        RedundancyZoneTag: record.text('RedundancyZoneTag'),
        DisableUpgradeMigration: record.flag('DisableUpgradeMigration'),
        UpgradeVersionTag: record.text('UpgradeVersionTag'),
      },
    });
  },
};

/** The index that Consul keeps of whether there was a bootstrap; those of its tables say nothing here. */
const BOOTSTRAP = 'acl-token-bootstrap';

export const index: RecordKind = {
  name: 'Index',
  take(value, into) {
    const record = new Fields(value);
    const isBootstrap = record.text('Key') === BOOTSTRAP && record.uint64('Value') > 0n;
    if (isBootstrap) into.put('settings', { name: BOOTSTRAP_SETTING, value: {} });
  },
};

/** undefined of a setting that Consul does not have. */
export function settingRecord(setting: Setting): readonly [kind: number, value: Packable] | undefined {
  if (setting.name === BOOTSTRAP_SETTING) return [16, { Key: BOOTSTRAP, Value: setting.modifyIndex }];
  if (setting.name !== AUTOPILOT_SETTING) return undefined;
  const { LastContactThreshold, ServerStabilizationTime, ...rest } = setting.value;
  const duration = (text: unknown) => nanoseconds(parseDuration(String(text)));
  return [
    9,
    {
      ...rest,
      LastContactThreshold: duration(LastContactThreshold),
      ServerStabilizationTime: duration(ServerStabilizationTime),
      ...indexes(setting),
    },
  ];
}
