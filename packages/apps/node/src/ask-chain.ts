// Asks one replica which cell it is of, and how the epochs have gone.
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import {
  ACCEPT,
  bytes,
  decode,
  encode,
  equalBytes,
  fail,
  ok,
  reject,
  type Signer,
  toHex,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { type CellId, type Outcome, PROTOCOL } from '@fatty/interface';
import { dial } from '@fatty/network';
import {
  type Cell,
  clientMessageShapeOf,
  type EpochLink,
  epochLinkShape,
  gatewayMessageShapeOf,
  LINK_BYTES_MAX,
  parseCell,
} from '@fatty/protocol';

/** Whom to ask, and how. */
export interface Asked {
  /** The client port of a replica: `ws://…` or `wss://…`. */
  readonly url: URL;
  /** Authorities in PEM to hold its certificate against; undefined: those of Node. */
  readonly ca?: string | undefined;
  /** Take plain `ws` beyond this machine. */
  readonly insecure?: boolean;
  readonly timeoutMs: number;
}

const CELL_FILE_BYTES_MAX = 1_048_576;
const MESSAGE_BYTES_MAX = 1_310_720;
const clientShape = clientMessageShapeOf(bytes(0));
const gatewayShape = gatewayMessageShapeOf(bytes(0));

/** cell.json as a replica shows it, held against the cell id. Codes: `unreachable`, `wrong_cell_id`, those of `parseCell`. */
export async function fetchCell(asked: Asked, cellId: Uint8Array): Promise<Outcome<Cell>> {
  const url = new URL('/cell.json', asked.url.href.replace(/^ws/, 'http'));
  const text = await textAt(url, asked);
  if (!text.ok) return text;
  const cell = parseCell(text.value, nodeScheme());
  if (!cell.ok || equalBytes(cell.value.cellId, cellId)) return cell;
  return fail('wrong_cell_id', toHex(cellId), toHex(cell.value.cellId));
}

/** A redirection is followed nowhere. */
function textAt(url: URL, { ca, timeoutMs }: Asked): Promise<Outcome<string>> {
  return new Promise((resolve) => {
    const end = (outcome: Outcome<string>): void => {
      clearTimeout(timer);
      asking.destroy();
      resolve(outcome);
    };
    const failed = (why: string): void => end(fail('unreachable', `cell.json at ${url.href}`, why));
    const timer = setTimeout(() => failed('no end of it in time'), timeoutMs);
    const ask = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const asking = ask(url, ca === undefined ? {} : { ca }, (response) => {
      if (response.statusCode !== 200) return failed(`HTTP ${response.statusCode}`);
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > CELL_FILE_BYTES_MAX) failed('a longer one than any cell.json');
      });
      response.on('end', () => end(ok(text)));
      response.on('error', (error) => failed(error.message));
    });
    asking.on('error', (error) => failed(error.message));
    asking.end();
  });
}

/** Whoever answers, nothing is checked: the links are to be held against the cell id (`followChain`). Code: `unreachable`. */
export function fetchChain(
  { url, ca, insecure = false, timeoutMs }: Asked,
  cellId: CellId,
  signer: Signer,
): Promise<Outcome<readonly EpochLink[]>> {
  const links: EpochLink[] = [];
  const question = (): Uint8Array => encode(clientShape, { kind: 'getLinks', from: links.length });
  return new Promise((resolve) => {
    let why = 'no answer';
    const dialer = dial({
      url: url.href,
      insecure,
      identity: identityOf(cellId, signer),
      ...(ca === undefined ? {} : { ca }),
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
