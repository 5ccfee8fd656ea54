// The door of a replica's own operator: a socket in its folder, which only its owner can open.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { asPublicKey, fail, fromHex, ok } from '@fatty/codec';
import type { Failure, Outcome, PublicKey } from '@fatty/interface';
import type { Change } from '@fatty/protocol';
import type { MembersShown } from './members-shown.ts';

/** What the door answers from. */
export interface AdminSources {
  readonly members: () => MembersShown;
  /** Moves a change with the replica's own key; undefined: own blocks carry the motion. */
  readonly move: (change: Change) => Promise<Failure | undefined>;
}

/** The open door. */
export interface AdminDoor {
  close(): Promise<void>;
}

/** Bytes of a question. */
const QUESTION_BYTES_MAX = 4096;

/** Where the door of the replica in this folder is. */
export function adminPath(dir: string): string {
  return join(dir, 'admin.sock');
}

/**
 * Opens DIR/admin.sock, mode 0600: `GET /members`, `POST /move` with a change as JSON. The folder must be locked:
 * what a killed process has left in its place goes. Rejects with Node's error, for a path that is too long, too.
 */
export async function openAdmin(dir: string, sources: AdminSources): Promise<AdminDoor> {
  const path = adminPath(dir);
  rmSync(path, { force: true });
  const server = createServer((request, response) => void answer(request, response, sources));
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, refuse) => {
      server.once('error', refuse);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { members, move }: AdminSources,
): Promise<void> {
  const say = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const { method, url } = request;
  if (method === 'GET' && url === '/members') return say(200, members());
  if (method !== 'POST' || url !== '/move') {
    return say(404, {
      code: 'unknown_question',
      expected: 'GET /members, POST /move',
      actual: url,
    });
  }
  const change = changeOf(await bodyOf(request));
  if (!change.ok) return say(400, change.failure);
  const flaw = await move(change.value);
  return flaw ? say(409, flaw) : say(200, { moved: true });
}

/** Undefined: it is too long, or broken off. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of request) {
      size += (part as Buffer).length;
      if (size > QUESTION_BYTES_MAX) return undefined;
      parts.push(part as Buffer);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(parts).toString();
}

function keyOf(hex: unknown): PublicKey | undefined {
  const key = typeof hex === 'string' ? fromHex(hex.toLowerCase()) : undefined;
  return key?.length === 32 ? asPublicKey(key) : undefined;
}

/** Code `bad_change`. */
function changeOf(text: string | undefined): Outcome<Change> {
  const bad = fail('bad_change', '{kind: add | remove | replace | renew, key, old}', `${text}`);
  let json: { readonly kind?: unknown; readonly key?: unknown; readonly old?: unknown };
  try {
    json = Object(JSON.parse(text ?? ''));
  } catch {
    return bad;
  }
  const [key, old] = [keyOf(json.key), keyOf(json.old)];
  if (json.kind === 'renew') return ok({ kind: 'renew' });
  if (json.kind === 'add' && key) return ok({ kind: 'add', key });
  if (json.kind === 'remove' && old) return ok({ kind: 'remove', old });
  if (json.kind === 'replace' && key && old) return ok({ kind: 'replace', old, key });
  return bad;
}
