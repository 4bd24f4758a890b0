import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Span } from '../lib/otlp.ts';
import { type SpanBatch, SpanPost } from './span-post.ts';

const span: Span = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
  name: 'GET',
  kind: 'server',
  start: 0,
  end: 1,
  attributes: {},
  isError: false,
};

describe('spans on their way to the main thread', () => {
  it('come in batches, the next when the one before was taken; what finds no room is counted', () => {
    const posted: SpanBatch[] = [];
    const post = new SpanPost((batch) => posted.push(batch));
    for (let i = 0; i < 10_000; i++) post.add([span, span]);
    expect(posted.map(({ spans }) => spans.length)).toEqual([256]);
    post.taken();
    const [, second] = posted;
    expect(second?.spans.length).toBe(4_096);
    expect(second?.dropped).toBe(20_000 - 256 - 4_096);
    post.add([span]);
    post.flush();
    expect(posted.map(({ spans, dropped }) => spans.length + dropped).reduce((sum, one) => sum + one)).toBe(
      20_001,
    );
    post.flush();
    expect(posted).toHaveLength(3);
  });

  it('wait a moment for others, also those that came while a batch was under way', () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const posted: SpanBatch[] = [];
    const post = new SpanPost((batch) => posted.push(batch));
    const sizes = () => posted.map(({ spans }) => spans.length);
    post.add([span]);
    post.add([span, span]);
    expect(sizes()).toEqual([]);
    vi.runAllTimers();
    expect(sizes()).toEqual([3]);
    post.add([span]);
    vi.runAllTimers();
    expect(sizes()).toEqual([3]);
    post.taken();
    expect(sizes()).toEqual([3]);
    vi.runAllTimers();
    expect(sizes()).toEqual([3, 1]);
  });
});
