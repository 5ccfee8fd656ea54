// Health, metrics and status over HTTP, on loopback.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Refusal } from '@fatty/network';
import type { Registry } from 'prom-client';

/** One line of /livez or /readyz. */
export interface Check {
  readonly name: string;
  readonly good: boolean;
  readonly detail: string;
}

/** A page as it is sent. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What the server answers from. */
export interface HttpSources {
  /** Refuses requests under a foreign name: a web page may have made its own name lead here. */
  readonly refuse: (request: IncomingMessage) => Refusal;
  /** Restart me? */
  readonly live: () => readonly Check[];
  /** Route to me? */
  readonly ready: () => readonly Check[];
  readonly status: () => object;
  /** How far the blocks of the newest rounds have come. */
  readonly rounds: () => object;
  /** The file of the console at a path; undefined: none is served there. */
  readonly page: (path: string) => PageAnswer | undefined;
  readonly registry: Registry;
}

/** An open server. */
export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

function answer(response: ServerResponse, checks: readonly Check[]): void {
  const good = checks.every((check) => check.good);
  const lines = checks.map(({ name, good, detail }) => `[${good ? '+' : '-'}] ${name}: ${detail}`);
  response.writeHead(good ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${lines.join('\n')}\n${good ? 'ok' : 'not ok'}\n`);
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value, null, 2)}\n`);
}

/** /livez, /readyz, /metrics, /status, /rounds and the console on loopback only: they tell strangers too much. */
export async function serveHttp(port: number, sources: HttpSources): Promise<HttpServer> {
  const server: Server = createServer((request, response) => {
    const refusal = sources.refuse(request);
    if (refusal !== undefined) return response.writeHead(refusal.status).end(refusal.text);
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path === '/livez') return answer(response, sources.live());
    if (path === '/readyz') return answer(response, sources.ready());
    if (path === '/status') return json(response, sources.status());
    if (path === '/rounds') return json(response, sources.rounds());
    if (path === '/metrics') {
      return void sources.registry.metrics().then((text) => {
        response.writeHead(200, { 'content-type': sources.registry.contentType });
        response.end(text);
      });
    }
    const page = sources.page(path);
    if (page !== undefined) return response.writeHead(page.status, page.headers).end(page.body);
    response.writeHead(404).end('try /livez /readyz /metrics /status /rounds\n');
  });
  await new Promise<void>((resolve, refuse) => {
    server.once('error', refuse);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
