import { describe, expect, it } from 'vitest';
import { type Environment, resourceOf, type TelemetryConfig, telemetryPlan } from './plan.ts';

const CONFIG: TelemetryConfig = { otlpHeaders: {}, otlpInterval: 1_000 };
const ENDPOINT = 'http://collector:4318';
const planOf = (config: Partial<TelemetryConfig>, env: Environment = {}) =>
  telemetryPlan({ ...CONFIG, ...config }, env);

describe('what is sent to a collector', () => {
  it('is nothing unless somebody says where', () => {
    expect(planOf({})).toEqual({ figures: undefined, traces: undefined, warnings: [] });
  });

  it('are figures where an endpoint is said, spans only where a share is', () => {
    const { figures, traces } = planOf({ otlpEndpoint: `${ENDPOINT}/` });
    expect(figures).toMatchObject({ url: new URL(`${ENDPOINT}/v1/metrics`), compression: 'gzip' });
    expect(traces).toBeUndefined();
    expect(planOf({ otlpEndpoint: ENDPOINT, traceRatio: 0 }).traces).toMatchObject({
      to: { url: new URL(`${ENDPOINT}/v1/traces`) },
      sampler: { ratio: 0, heedsParent: true },
    });
  });

  it.each([
    ['always_on', undefined, 1, false],
    ['always_off', undefined, 0, false],
    ['traceidratio', '0.25', 0.25, false],
    ['parentbased_always_on', undefined, 1, true],
    ['parentbased_always_off', undefined, 0, true],
    ['parentbased_traceidratio', '0.5', 0.5, true],
    ['parentbased_traceidratio', undefined, 1, true],
  ])('heeds OTEL_TRACES_SAMPLER=%s with %s', (name, argument, ratio, heedsParent) => {
    const { traces, warnings } = planOf(
      { otlpEndpoint: ENDPOINT },
      { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument },
    );
    expect(traces?.sampler).toEqual({ ratio, heedsParent });
    expect(warnings).toEqual([]);
  });

  it("heeds OpenTelemetry's other variables where the configuration says nothing", () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces:1/in',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b,x-lone=50%',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=own',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
      OTEL_BSP_SCHEDULE_DELAY: '7',
    };
    const { figures, traces } = planOf({}, env);
    expect(figures).toEqual({
      url: new URL(`${ENDPOINT}/v1/metrics`),
      headers: { 'x-key': 'a b', 'x-lone': '50%' },
      compression: 'none',
      timeout: 2_000,
    });
    expect(traces).toMatchObject({
      to: {
        url: new URL('https://traces:1/in'),
        headers: { 'x-key': 'own', 'x-lone': '50%' },
        compression: 'gzip',
      },
      queue: 10,
      batch: 10,
      delay: 7,
      sampler: { ratio: 1, heedsParent: true },
    });
    const said = planOf({ otlpEndpoint: 'http://said:1', otlpHeaders: { 'x-key': 'said' } }, env);
    expect(said.traces?.to).toMatchObject({
      url: new URL('http://said:1/v1/traces'),
      headers: { 'x-key': 'said' },
    });
    expect(planOf({}, { ...env, OTEL_METRICS_EXPORTER: 'none' }).figures).toBeUndefined();
    expect(planOf({}, { ...env, OTEL_TRACES_EXPORTER: 'none' }).traces).toBeUndefined();
    expect(planOf({}, { ...env, OTEL_SDK_DISABLED: 'true' })).toMatchObject({
      figures: undefined,
      traces: undefined,
    });
  });

  it('turns user and password of the endpoint into a header', () => {
    const { figures } = planOf({ otlpEndpoint: 'https://u:p%40ss@collector' });
    expect(figures?.url.href).toBe('https://collector/v1/metrics');
    expect(figures?.headers).toEqual({ Authorization: `Basic ${Buffer.from('u:p@ss').toString('base64')}` });
  });

  it.each([
    [{ traceRatio: 1 }, {}, /trace_ratio has no effect/],
    [{ otlpEndpoint: ENDPOINT }, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /sent as http\/json/],
    [{ otlpEndpoint: ENDPOINT }, { OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /there is no jaeger_remote/],
    [
      { otlpEndpoint: ENDPOINT },
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      /expected a share/,
    ],
    [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, /no URL of http/],
  ])('says what cannot be heeded: %j %j', (config, env, message) => {
    expect(planOf(config, env).warnings.join('\n')).toMatch(message);
  });

  it('never says the value of a header, nor one in the endpoint', () => {
    const { figures, warnings } = planOf({
      otlpEndpoint: 'http://u:hunter2@collector',
      otlpHeaders: { 'x-key': 'hunter3\n' },
    });
    expect(figures).toBeUndefined();
    expect(warnings.join()).toMatch(/header field/);
    expect(warnings.join()).not.toMatch(/hunter/);
  });

  it('names who sends as the variables say', () => {
    const node = { id: '1', name: 'n1', version: '2' };
    expect(resourceOf(node, {})).toEqual({
      'service.name': 'muster',
      'service.version': '2',
      'service.instance.id': '1',
      'host.name': 'n1',
    });
    expect(
      resourceOf(node, {
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test,service.name=a',
        OTEL_SERVICE_NAME: 'edge',
      }),
    ).toMatchObject({ 'deployment.environment': 'test', 'service.name': 'edge' });
  });
});
