// A new machine asks one replica for all that it needs to follow a cell.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail, fromHex, ok } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Outcome, PublicKey } from '@fatty/interface';
import { followChain } from '@fatty/protocol';
import { fetchCell, fetchChain } from './ask-chain.ts';
import { hasChain, saveChain } from './chain-file.ts';
import { saveCell } from './init.ts';
import { generateKeyPem, loadSigner, writeKeyFile } from './keys.ts';

/** Which cell to follow, and where from. */
export interface JoinOptions {
  /** 64 hex digits: all that has to be believed. */
  readonly cellId: string;
  /** Client address of any member: `host:port`, `ws://…` or `wss://…`. */
  readonly from: string;
  /** Of the new replica; made when missing. */
  readonly dir: string;
  /** Take plain `ws` beyond this machine. */
  readonly insecure?: boolean;
  /** Authorities in PEM to hold a certificate against; default those of Node. */
  readonly ca?: string;
  /** Settings of its config.json, when that is made here. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** ms; default 15,000. */
  readonly timeoutMs?: number;
}

/** A folder that is ready to follow. */
export interface Joining {
  readonly dir: string;
  readonly key: PublicKey;
  /** That the chain leads to. */
  readonly epoch: number;
  readonly members: number;
}

/**
 * Makes or takes DIR/key.pem, asks one replica for cell.json and the chain of epochs, checks both by the cell id,
 * and writes DIR/{cell.json, chain, config.json}. A folder that has a chain already stays as it is. Codes:
 * `bad_option`, `unreachable`, `wrong_cell_id`, `bad_key_file`, those of `parseCell` and of `followChain`.
 */
export async function prepareJoin(options: JoinOptions): Promise<Outcome<Joining>> {
  const { dir, from, timeoutMs = 15_000 } = options;
  const cellId = fromHex(options.cellId.toLowerCase());
  if (cellId?.length !== 32) return fail('bad_option', 'a cell id, 64 hex digits', options.cellId);
  const url = urlOf(from);
  if (url === undefined) return fail('bad_option', 'host:port, ws://… or wss://…', from);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'key.pem');
  if (!existsSync(path)) writeKeyFile(path, generateKeyPem());
  const signer = loadSigner(path);
  if (!signer.ok) return signer;
  const { ca, insecure = false } = options;
  const asked = { url, ca, insecure, timeoutMs };
  const cell = await fetchCell(asked, cellId);
  if (!cell.ok) return cell;
  const links = await fetchChain(asked, cell.value.cellId, signer.value);
  if (!links.ok) return links;
  const { committee: genesis } = cell.value;
  const rules = { cellId: cell.value.cellId, scheme: nodeScheme(), genesis };
  const found = followChain(rules, links.value);
  if (!found.ok) return found;
  saveCell(join(dir, 'cell.json'), cell.value);
  saveChain(dir, links.value);
  writeConfig(options);
  const { epoch, members } = found.value.committee;
  return ok({ dir, key: signer.value.publicKey, epoch, members: members.length });
}

/** Whether a folder has been prepared, so that its process may be started again without asking anybody. */
export function isPrepared(dir: string): boolean {
  return hasChain(dir) && existsSync(join(dir, 'cell.json')) && existsSync(join(dir, 'key.pem'));
}

function writeConfig({ dir, settings = {}, insecure }: JoinOptions): void {
  const path = join(dir, 'config.json');
  if (existsSync(path)) return;
  const cell = resolve(dir, 'cell.json');
  const config = { cell, ...settings, ...(insecure === true && { insecure }) };
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
}

function urlOf(from: string): URL | undefined {
  const text = /^wss?:\/\//.test(from) ? from : `ws://${from}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}
