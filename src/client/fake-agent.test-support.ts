import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  /** Path with its query, as it arrived. */
  url: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status?: number;
  index?: number;
  /** Sent as JSON. */
  json?: unknown;
  text?: string;
  /** Keep the question open and never answer. */
  hang?: boolean;
  /** Cut the connection instead of answering. */
  cut?: boolean;
}

/** For the client's tests: a real HTTP server whose answers a test decides. */
export async function startFakeAgent(answer: (asked: Asked) => Reply | Promise<Reply>) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://fake');
    const question: Asked = {
      method: request.method ?? '',
      url: request.url ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    asked.push(question);
    const reply = await answer(question);
    if (reply.cut) return request.socket.destroy();
    if (reply.hang) return;
    if (reply.index !== undefined) response.setHeader('X-Consul-Index', reply.index);
    response.statusCode = reply.status ?? 200;
    response.end(reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type FakeAgent = Awaited<ReturnType<typeof startFakeAgent>>;
