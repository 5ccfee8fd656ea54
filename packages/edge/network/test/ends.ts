// Test helper: keys, ports and raw sockets.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { asCellId, type SignatureScheme, type Signer } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Link, LinkHandler } from '@fatty/interface';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';
import {
  admitClients,
  admitOnly,
  type Dialer,
  dial,
  type LinkIdentity,
  type Listener,
  type ListenOptions,
  listen,
  type NodeDialOptions,
} from '../src/index.ts';

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** The path of a file in test/fixtures. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

export const scheme: SignatureScheme = nodeScheme();
export const signerOf = (n: number): Signer => scheme.signer(new Uint8Array(32).fill(n));
export const server: Signer = signerOf(1);
export const client: Signer = signerOf(2);
export const cell = asCellId(new Uint8Array(32).fill(7));

export const identityOf = (
  signer: Signer,
  role: 'replica' | 'client',
  more: Partial<LinkIdentity> = {},
): LinkIdentity => ({
  cellId: cell,
  epoch: () => 0,
  role,
  signer,
  scheme,
  admit: signer === server ? admitClients : admitOnly([server.publicKey]),
  ...more,
});

/** Keeps what a handler was told and lets a test wait for it. */
export class Recorder implements LinkHandler {
  readonly ups: Link[] = [];
  readonly messages: { readonly link: Link; readonly message: Uint8Array }[] = [];
  readonly downs: { readonly link: Link; readonly code: number; readonly reason: string }[] = [];
  up(link: Link): void {
    this.ups.push(link);
  }
  message(link: Link, message: Uint8Array): void {
    this.messages.push({ link, message });
  }
  down(link: Link, code: number, reason: string): void {
    this.downs.push({ link, code, reason });
  }
}

/** Polls until a condition holds; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

export async function listenFor(
  handler: LinkHandler,
  more: Partial<ListenOptions> = {},
): Promise<Listener> {
  const listener = await listen({
    port: 0,
    identity: identityOf(server, 'replica'),
    handler,
    ...more,
  });
  open.push(listener);
  return listener;
}

export function dialTo(
  url: string,
  handler: LinkHandler,
  more: Partial<NodeDialOptions> = {},
): Dialer {
  const dialer = dial({ url, identity: identityOf(client, 'client'), handler, ...more });
  open.push(dialer);
  return dialer;
}

/** A raw socket that speaks no protocol of ours, but answers pings. */
export async function rawSocket(url: string): Promise<{
  readonly socket: WebSocket;
  readonly inbox: Uint8Array[];
  readonly closed: Promise<{ code: number; reason: string }>;
}> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const inbox: Uint8Array[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) inbox.push(new Uint8Array(data));
    else if (data.toString().startsWith('ping')) socket.send(data.toString().replace('i', 'o'));
  });
  socket.on('error', () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise((resolve) => socket.on('open', resolve));
  open.push({ close: () => socket.terminate() });
  return { socket, inbox, closed };
}

/** A port whose process stands still: the kernel takes connections, nobody ever says a word. */
export async function silentPort(): Promise<{ port: number; server: Server; cut(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets.splice(0)) socket.destroy();
  };
  open.push({
    close: () => {
      cut();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, server, cut };
}
