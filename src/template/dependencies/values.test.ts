import { expect, it } from 'vitest';
import { testContext } from '../functions/context.test-support.ts';
import { functionsFor } from '../functions/table.ts';
import { Template } from '../language/index.ts';
import { testInstance } from './values.test-support.ts';
import { HealthService, listOf } from './values.ts';

it('are written as Go writes them: what is pointed to, and structs inside as themselves', () => {
  const context = testContext();
  context.values.set('health.service(web|passing)', listOf(HealthService, [testInstance(1, 80)]));
  const rendered = (text: string): string =>
    new Template('t', `{{ range service "web" }}${text}{{ end }}`, {
      functions: functionsFor(context),
    }).execute();
  expect(rendered('{{ . }}')).toMatch(/^\{.*\}$/);
  expect(rendered('{{ .Weights }} {{ printf "%v %#v %T" .Weights .Weights .Weights }}')).toBe(
    '{1 1} {1 1} api.AgentWeights{Passing:1, Warning:1} api.AgentWeights',
  );
});
