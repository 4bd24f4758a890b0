import type { TemplateReport } from '../../template/runner.ts';
import type { Metric, Metrics } from './metric.ts';

/** What templates are read from. */
export interface TemplateSources {
  /** Undefined where none are rendered. */
  readonly templates: TemplateReports | undefined;
}

export interface TemplateReports {
  readonly reports: () => readonly TemplateReport[];
  readonly sourceErrors: () => number;
}

function ofEach(
  type: 'counter' | 'gauge',
  help: string,
  read: (report: TemplateReport) => number | undefined,
): Metric<TemplateSources> {
  return {
    type,
    help,
    labels: ['output'],
    read: ({ templates }) =>
      (templates?.reports() ?? []).flatMap((report) => {
        const value = read(report);
        return value === undefined ? [] : [{ labels: { output: report.output }, value }];
      }),
  };
}

export const templateMetrics: Metrics<TemplateSources> = {
  muster_template_up_to_date: ofEach(
    'gauge',
    '1 for a template whose file is as it says, 0 while it fails or waits for what it needs.',
    (one) => (one.isUpToDate ? 1 : 0),
  ),
  muster_template_renders_total: ofEach(
    'counter',
    'How often a template was carried out whole, its file changed or not.',
    (one) => one.renders,
  ),
  muster_template_writes_total: ofEach('counter', 'How often its file was written.', (one) => one.writes),
  muster_template_errors_total: ofEach(
    'counter',
    'How often a template or its command failed.',
    (one) => one.errors,
  ),
  muster_template_render_seconds_total: ofEach(
    'counter',
    'How long carrying it out took in all.',
    (one) => one.milliseconds / 1000,
  ),
  muster_template_last_success_timestamp_seconds: ofEach(
    'gauge',
    'When it was carried out whole last, in seconds since the epoch.',
    (one) => one.renderedAt && one.renderedAt / 1000,
  ),
  muster_template_source_errors_total: {
    type: 'counter',
    help: 'Questions of all templates to the registry that were not answered.',
    labels: [],
    read: ({ templates }) =>
      templates === undefined ? [] : [{ labels: {}, value: templates.sourceErrors() }],
  },
};
