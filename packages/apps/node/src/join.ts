// A new machine asks one replica for all that it needs to follow a cell.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  ACCEPT,
  bytes,
  decode,
  encode,
  equalBytes,
  fail,
  fromHex,
  ok,
  reject,
  type Signer,
  toHex,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { type CellId, type Outcome, PROTOCOL, type PublicKey } from '@fatty/interface';
import { dial } from '@fatty/network';
import {
  type Cell,
  clientMessageShapeOf,
  type EpochLink,
  epochLinkShape,
  followChain,
  gatewayMessageShapeOf,
  LINK_BYTES_MAX,
  parseCell,
} from '@fatty/protocol';
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

const CELL_FILE_BYTES_MAX = 1_048_576;
const MESSAGE_BYTES_MAX = 1_310_720;
const clientShape = clientMessageShapeOf(bytes(0));
const gatewayShape = gatewayMessageShapeOf(bytes(0));

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
  const cell = await fetchCell(url, cellId, timeoutMs);
  if (!cell.ok) return cell;
  const links = await fetchChain({
    url,
    cell: cell.value,
    signer: signer.value,
    timeoutMs,
    options,
  });
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

async function fetchCell(at: URL, cellId: Uint8Array, timeoutMs: number): Promise<Outcome<Cell>> {
  const url = new URL('/cell.json', at.href.replace(/^ws/, 'http'));
  let text = '';
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    for await (const part of response.body ?? []) {
      text += new TextDecoder().decode(part as Uint8Array, { stream: true });
      if (text.length > CELL_FILE_BYTES_MAX) throw new Error('a longer one than any cell.json');
    }
  } catch (error) {
    return fail('unreachable', `cell.json at ${url.href}`, (error as Error).message);
  }
  const cell = parseCell(text, nodeScheme());
  if (!cell.ok || equalBytes(cell.value.cellId, cellId)) return cell;
  return fail('wrong_cell_id', toHex(cellId), toHex(cell.value.cellId));
}

interface ChainQuestion {
  readonly url: URL;
  readonly cell: Cell;
  readonly signer: Signer;
  readonly timeoutMs: number;
  readonly options: JoinOptions;
}

/** Whoever answers, the links are held against the cell id afterwards. */
function fetchChain(asked: ChainQuestion): Promise<Outcome<readonly EpochLink[]>> {
  const { url, cell, signer, timeoutMs, options } = asked;
  const links: EpochLink[] = [];
  const question = (): Uint8Array => encode(clientShape, { kind: 'getLinks', from: links.length });
  return new Promise((resolve) => {
    let why = 'no answer';
    const dialer = dial({
      url: url.href,
      insecure: options.insecure === true,
      identity: identityOf(cell.cellId, signer),
      handler: {
        up: (link) => void link.send(question(), PROTOCOL),
        message(link, message) {
          const page = pageOf(message);
          if (page === undefined) return;
          links.push(...page.links.filter(({ frame }) => frame.epoch === links.length));
          if (links.length >= page.epoch) end(ok(links));
          else if (page.links.length > 0) link.send(question(), PROTOCOL);
        },
        down: (_link, code, reason) => {
          why = `${code} ${reason}`;
        },
      },
      onState: (state, failure) => {
        if (failure) why = `${failure.code}: ${failure.actual}`;
        else if (state.kind === 'waiting') why = `${state.code} ${state.reason}`;
      },
    });
    const end = (outcome: Outcome<readonly EpochLink[]>): void => {
      clearTimeout(timer);
      dialer.close();
      resolve(outcome);
    };
    const timer = setTimeout(
      () => end(fail('unreachable', `the chain of epochs at ${url.href}`, why)),
      timeoutMs,
    );
  });
}

function identityOf(cellId: CellId, signer: Signer): Parameters<typeof dial>[0]['identity'] {
  return {
    cellId,
    epoch: () => 0,
    role: 'client',
    signer,
    scheme: nodeScheme(),
    admit: (_key, role) => (role === 'replica' ? ACCEPT : reject('wrong_role', 'replica', role)),
  };
}

interface Page {
  readonly epoch: number;
  readonly links: readonly EpochLink[];
}

/** Undefined: it is about something else. */
function pageOf(message: Uint8Array): Page | undefined {
  const heard = decode(gatewayShape, message, MESSAGE_BYTES_MAX);
  if (!heard.ok || heard.value.kind !== 'links') return undefined;
  const links = heard.value.links.flatMap((one) => {
    const link = decode(epochLinkShape, one, LINK_BYTES_MAX);
    return link.ok ? [link.value] : [];
  });
  return { epoch: heard.value.epoch, links };
}
