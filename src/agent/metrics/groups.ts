import type { GroupView } from '../../group/view.ts';
import type { Metric, Metrics } from './metric.ts';

function ofGroups(help: string, read: (group: GroupView) => number): Metric {
  return {
    type: 'gauge',
    help,
    labels: ['group'],
    read: ({ groups }) =>
      groups().map((group) => ({ labels: { group: group.name }, value: read(group.view()) })),
  };
}

export const groupMetrics: Metrics = {
  muster_group_size: ofGroups('How many instances of a group there are to be.', ({ size }) => size),
  muster_group_ready: ofGroups('How many of them are ready.', ({ ready }) => ready),
  muster_group_held: ofGroups(
    '1 while failing instances of a group are left alone, because too many fail.',
    ({ held }) => (held === '' ? 0 : 1),
  ),
};
