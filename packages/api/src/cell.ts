import {
  asPublicKey,
  asSignature,
  compareBytes,
  encode,
  fail,
  fromHex,
  ok,
  publicKey,
  record,
  type Shape,
  type SignatureScheme,
  type Signer,
  signedBytes,
  text,
  toHex,
} from '@fatty/codec';
import type { CellId, Failure, Outcome, PublicKey } from '@fatty/interface';
import {
  type CellParams,
  type Committee,
  cellIdOf,
  checkWindows,
  DEFAULT_PARAMS,
  paramsShape,
} from './committee.ts';

/** Where a member can be reached; changeable at any time, so signed by the member and outside the committee. */
export interface Addresses {
  readonly key: PublicKey;
  /** WebSocket URLs for peers and for clients, HTTP URL for health and metrics. */
  readonly peer: string;
  readonly client: string;
  readonly http: string;
}

/** The public description of a cell, a client's whole trust root: cell.json. */
export interface Cell {
  readonly cellId: CellId;
  readonly committee: Committee;
  /** One per member that has published addresses, in committee order; signatures already checked. */
  readonly addresses: readonly SignedAddresses[];
}

export interface SignedAddresses extends Addresses {
  readonly sig: Uint8Array;
}

export const CELL_FORMAT = 'fatty-cell/1';
const URL_MAX = 512;

const addressesShape: Shape<Addresses> = record({
  key: publicKey,
  peer: text(URL_MAX),
  client: text(URL_MAX),
  http: text(URL_MAX),
});

function addressesMessage(cellId: CellId, addresses: Addresses): Uint8Array {
  return signedBytes('addresses', cellId, encode(addressesShape, addresses));
}

export function signAddresses(
  cellId: CellId,
  signer: Signer,
  at: Omit<Addresses, 'key'>,
): SignedAddresses {
  const addresses: Addresses = {
    key: signer.publicKey,
    peer: at.peer,
    client: at.client,
    http: at.http,
  };
  return { ...addresses, sig: signer.sign(addressesMessage(cellId, addresses)) };
}

/** The JSON text of cell.json. Keys are hex, times ms, sizes bytes. */
export function writeCell(cell: Cell): string {
  const { committee } = cell;
  const members = committee.members.map((key) => {
    const at = cell.addresses.find((one) => toHex(one.key) === toHex(key));
    const published = at && { peer: at.peer, client: at.client, http: at.http, sig: toHex(at.sig) };
    return { key: toHex(key), ...published };
  });
  const { epoch, genesisTs, params } = committee;
  const file = {
    format: CELL_FORMAT,
    cellId: toHex(cell.cellId),
    epoch,
    genesisTs,
    params,
    members,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads cell.json: the cell id is recomputed from the committee, addresses count only with their
 * member's signature. Codes: `bad_cell_file`, `wrong_cell_id`, `bad_windows`, `bad_key`,
 * `bad_address_signature`.
 */
export function parseCell(json: string, scheme: SignatureScheme): Outcome<Cell> {
  try {
    return readCell(JSON.parse(json), scheme);
  } catch (error) {
    if (error instanceof CellFileError) return { ok: false, failure: error.failure };
    return fail('bad_cell_file', 'JSON', 'something else');
  }
}

class CellFileError extends Error {
  readonly failure: Failure;
  constructor(code: string, expected: string, actual: string) {
    super(code);
    this.failure = { code, expected, actual };
  }
}

type Json = Readonly<Record<string, unknown>>;

function readCell(file: Json, scheme: SignatureScheme): Outcome<Cell> {
  if (file.format !== CELL_FORMAT) {
    throw new CellFileError('bad_cell_file', CELL_FORMAT, String(file.format));
  }
  if (!Array.isArray(file.members)) throw new CellFileError('bad_cell_file', 'members', 'none');
  const rows = file.members as Json[];
  const committee: Committee = {
    epoch: integer(file, 'epoch'),
    genesisTs: integer(file, 'genesisTs'),
    members: rows.map((row) => memberKey(row, scheme)),
    params: readParams(file.params as Json),
  };
  const sorted = committee.members.every(
    (key, i) => i === 0 || compareBytes(committee.members[i - 1] as PublicKey, key) < 0,
  );
  if (!sorted) throw new CellFileError('bad_cell_file', 'members in ascending key order', 'not');
  const cellId = cellIdOf(committee);
  if (toHex(cellId) !== file.cellId) {
    throw new CellFileError('wrong_cell_id', toHex(cellId), String(file.cellId));
  }
  const flaw = checkWindows(committee);
  if (flaw) return { ok: false, failure: flaw };
  const addresses = rows
    .filter((row) => row.sig !== undefined)
    .map((row) => readAddresses(row, cellId, scheme));
  return ok({ cellId, committee, addresses });
}

function memberKey(row: Json, scheme: SignatureScheme): PublicKey {
  const key = hexField(row, 'key', 32);
  const verdict = scheme.admit(key);
  if (verdict.kind !== 'accept')
    throw new CellFileError('bad_key', verdict.expected, verdict.actual);
  return asPublicKey(key);
}

function readAddresses(row: Json, cellId: CellId, scheme: SignatureScheme): SignedAddresses {
  const at = (name: string): string => {
    const url = row[name];
    if (typeof url !== 'string' || url.length > URL_MAX) {
      throw new CellFileError('bad_cell_file', `${name} URL`, typeof url);
    }
    return url;
  };
  const key = memberKey(row, scheme);
  const addresses = { key, peer: at('peer'), client: at('client'), http: at('http') };
  const sig = asSignature(hexField(row, 'sig', 64));
  if (!scheme.verify(key, addressesMessage(cellId, addresses), sig)) {
    throw new CellFileError('bad_address_signature', 'the member’s signature', toHex(key));
  }
  return { ...addresses, sig };
}

function readParams(json: Json): CellParams {
  const flat = (from: Json, names: readonly string[]): Record<string, number> =>
    Object.fromEntries(names.map((name) => [name, integer(from, name)]));
  const names = Object.keys(DEFAULT_PARAMS).filter((name) => name !== 'limits');
  const limits = flat(json.limits as Json, Object.keys(DEFAULT_PARAMS.limits));
  const params = { ...flat(json, names), limits } as unknown as CellParams;
  const flaw = paramsShape.flawOf(params);
  if (flaw) throw new CellFileError('bad_cell_file', `${flaw.at}: ${flaw.expected}`, flaw.actual);
  return params;
}

function integer(from: Json, name: string): number {
  const value = from?.[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CellFileError('bad_cell_file', `${name}: a non-negative integer`, String(value));
}

function hexField(from: Json, name: string, size: number): Uint8Array {
  const value = from[name];
  const bytes = typeof value === 'string' ? fromHex(value) : undefined;
  if (bytes?.length === size) return bytes;
  throw new CellFileError('bad_cell_file', `${name}: ${size} bytes of hex`, String(value));
}
