// cell.json: members, parameters and addresses; a client's trust root.
import {
  asDigest,
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
  signature,
  signedBytes,
  text,
  toHex,
  u53,
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
import type { Founding } from './founding.ts';

/** Where a member can be reached; changeable at any time, so signed by the member and outside the committee. */
export interface Addresses {
  readonly key: PublicKey;
  /** WebSocket URLs for peers and for clients, HTTP URL for health and metrics. */
  readonly peer: string;
  readonly client: string;
  readonly http: string;
  /** The newest counts; ms since 1970 where nothing speaks against it. 0: as made with the cell. */
  readonly version: number;
}

/** Where to look for a member that has not said yet where it is. Whoever holds its key may be there. */
export interface Hint {
  readonly key: PublicKey;
  readonly peer: string;
  readonly client: string;
}

/** The public description of a cell, a client's whole trust root: cell.json. */
export interface Cell {
  readonly cellId: CellId;
  readonly committee: Committee;
  /**
   * One per member that has published addresses, in key order; signatures already checked. Those of no member of
   * this committee are of a later epoch's, see R31.
   */
  readonly addresses: readonly SignedAddresses[];
  /** Of members without addresses: the word of whoever wrote the file, so of one's own files only. */
  readonly hints?: readonly Hint[];
  /** Name of the algorithm that its replicas host; none: the lock service. No part of the cell id. */
  readonly algorithm?: string;
  /**
   * Who may say first who may do what in it; none: anybody. No part of the cell id, so that older cells keep theirs:
   * a member that reads another file here has other states than the rest.
   */
  readonly admin?: PublicKey;
  /** It goes on from the state of another cell. */
  readonly founding?: Founding;
}

/** Addresses with their member's Ed25519 signature, 64 bytes. */
export interface SignedAddresses extends Addresses {
  readonly sig: Uint8Array;
}

/** The `format` of a cell.json. */
export const CELL_FORMAT = 'fatty-cell/1';
const URL_MAX = 512;
const NAME_MAX = 200;
const LATER_MAX = 256;

type Places = Omit<Addresses, 'version'>;

const places = { key: publicKey, peer: text(URL_MAX), client: text(URL_MAX), http: text(URL_MAX) };
const placesShape: Shape<Places> = record<Places>(places);
const addressesShape: Shape<Addresses> = record<Addresses>({ ...places, version: u53 });

/** As members pass them on to each other. */
export const signedAddressesShape: Shape<SignedAddresses> = record<SignedAddresses>({
  ...places,
  version: u53,
  sig: signature,
});

/** Version 0 is signed without its number. */
function addressesMessage(
  cellId: CellId,
  { key, peer, client, http, version }: Addresses,
): Uint8Array {
  const at = { key, peer, client, http };
  const bytes =
    version === 0 ? encode(placesShape, at) : encode(addressesShape, { ...at, version });
  return signedBytes('addresses', cellId, bytes);
}

/** `version`: see {@link Addresses}; default 0. */
export function signAddresses(
  cellId: CellId,
  signer: Signer,
  at: Omit<Addresses, 'key' | 'version'> & { readonly version?: number },
): SignedAddresses {
  const { peer, client, http, version = 0 } = at;
  const addresses: Addresses = { key: signer.publicKey, peer, client, http, version };
  return { ...addresses, sig: signer.sign(addressesMessage(cellId, addresses)) };
}

/** Whether the member itself has said so. */
export function isSigned(cellId: CellId, scheme: SignatureScheme, one: SignedAddresses): boolean {
  return scheme.verify(one.key, addressesMessage(cellId, one), asSignature(one.sig));
}

/** The newest of both for each member, in key order. Of one version the first counts. */
export function newestAddresses(
  known: readonly SignedAddresses[],
  others: readonly SignedAddresses[],
): readonly SignedAddresses[] {
  const newest = new Map<string, SignedAddresses>();
  for (const one of [...known, ...others]) {
    const name = toHex(one.key);
    const old = newest.get(name);
    if (old === undefined || one.version > old.version) newest.set(name, one);
  }
  return [...newest.values()].sort((a, b) => compareBytes(a.key, b.key));
}

/** Where each member is, or may be: what it has signed, else the hint. */
export function contactsOf({ addresses, hints = [] }: Cell): readonly Hint[] {
  const known = new Set(addresses.map(({ key }) => toHex(key)));
  return [...addresses, ...hints.filter(({ key }) => !known.has(toHex(key)))];
}

/** One entry as JSON: key and signature in hex. */
export function addressesToJson(one: SignedAddresses): Json {
  const { key, peer, client, http, version, sig } = one;
  return { key: toHex(key), peer, client, http, ...(version > 0 && { version }), sig: toHex(sig) };
}

/** Reads {@link addressesToJson}; undefined when it is none. The signature is not looked at. */
export function addressesFromJson(value: unknown): SignedAddresses | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const row = value as Json;
  const { peer, client, http, version = 0 } = row;
  const key = typeof row.key === 'string' ? fromHex(row.key) : undefined;
  const sig = typeof row.sig === 'string' ? fromHex(row.sig) : undefined;
  const texts = [peer, client, http].every(
    (url) => typeof url === 'string' && url.length <= URL_MAX,
  );
  if (key?.length !== 32 || sig?.length !== 64 || !texts || !isVersion(version)) return undefined;
  const urls = { peer, client, http } as Places;
  return { ...urls, key: asPublicKey(key), version, sig: asSignature(sig) };
}

const isVersion = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/**
 * The JSON text of cell.json. Keys are hex, times ms, sizes bytes. `members` are those of the committee, which
 * the cell id is the hash of; `later`: addresses of others, who have become members since, by their own word.
 */
export function writeCell(cell: Cell): string {
  const { committee } = cell;
  const members = committee.members.map((key) => {
    const at = cell.addresses.find((one) => toHex(one.key) === toHex(key));
    if (at !== undefined) return addressesToJson(at);
    const hint = cell.hints?.find((one) => toHex(one.key) === toHex(key));
    return { key: toHex(key), ...(hint && { hint: { peer: hint.peer, client: hint.client } }) };
  });
  const genesis = new Set(committee.members.map(toHex));
  const later = cell.addresses.filter(({ key }) => !genesis.has(toHex(key))).map(addressesToJson);
  const { epoch, genesisTs, params } = committee;
  const file = {
    format: CELL_FORMAT,
    cellId: toHex(cell.cellId),
    epoch,
    genesisTs,
    params,
    ...(cell.algorithm !== undefined && { algorithm: cell.algorithm }),
    ...(cell.admin !== undefined && { admin: toHex(cell.admin) }),
    ...(cell.founding && { founding: foundingToJson(cell.founding) }),
    members,
    ...(later.length > 0 && { later }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads cell.json: the cell id is recomputed from the committee, addresses count only with their
 * member's signature. Codes: `bad_cell_file`, `wrong_cell_id`, `bad_windows`, `bad_key`,
 * `bad_address_signature`. By hand: browsers load it, and the shapes of the wire judge the parameters.
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
  const addresses = [...rows, ...laterRows(file)]
    .filter((row) => row.sig !== undefined)
    .map((row) => readAddresses(row, cellId, scheme));
  const hints = rows.flatMap((row) => readHint(row, scheme));
  const algorithm = readAlgorithm(file);
  const admin = file.admin === undefined ? undefined : keyField(file, 'admin', scheme);
  const founding = readFounding(file);
  return ok({
    cellId,
    committee,
    addresses,
    ...(hints.length > 0 && { hints }),
    ...(algorithm !== undefined && { algorithm }),
    ...(admin !== undefined && { admin }),
    ...(founding && { founding }),
  });
}

function foundingToJson({ commit, leaseClock, state }: Founding): Json {
  return { commit, leaseClock, state: toHex(state) };
}

function readFounding({ founding }: Json): Founding | undefined {
  if (founding === undefined) return undefined;
  const from = (founding ?? {}) as Json;
  const state = asDigest(hexField(from, 'state', 32));
  return { commit: integer(from, 'commit'), leaseClock: integer(from, 'leaseClock'), state };
}

/** Who has come since: the chain of epochs says who of them is a member, and this only where it would be. */
function laterRows({ later = [] }: Json): readonly Json[] {
  if (Array.isArray(later) && later.length <= LATER_MAX) return later as Json[];
  throw new CellFileError('bad_cell_file', `later: up to ${LATER_MAX} addresses`, 'others');
}

function readAlgorithm({ algorithm }: Json): string | undefined {
  const isName = typeof algorithm === 'string' && algorithm !== '';
  if (algorithm === undefined || (isName && algorithm.length <= NAME_MAX)) return algorithm;
  throw new CellFileError(
    'bad_cell_file',
    'algorithm: a name',
    JSON.stringify(algorithm).slice(0, 100),
  );
}

function readHint(row: Json, scheme: SignatureScheme): readonly Hint[] {
  if (row.hint === undefined || row.sig !== undefined) return [];
  const { peer, client } = (row.hint ?? {}) as Json;
  const isUrl = (url: unknown): url is string => typeof url === 'string' && url.length <= URL_MAX;
  if (isUrl(peer) && isUrl(client)) return [{ key: memberKey(row, scheme), peer, client }];
  throw new CellFileError('bad_cell_file', 'hint: {peer, client}', JSON.stringify(row.hint));
}

function memberKey(row: Json, scheme: SignatureScheme): PublicKey {
  return keyField(row, 'key', scheme);
}

function keyField(row: Json, name: string, scheme: SignatureScheme): PublicKey {
  const key = hexField(row, name, 32);
  const verdict = scheme.admit(key);
  if (verdict.kind !== 'accept')
    throw new CellFileError('bad_key', verdict.expected, verdict.actual);
  return asPublicKey(key);
}

function readAddresses(row: Json, cellId: CellId, scheme: SignatureScheme): SignedAddresses {
  const key = memberKey(row, scheme);
  hexField(row, 'sig', 64);
  const one = addressesFromJson(row);
  if (one === undefined) {
    throw new CellFileError(
      'bad_cell_file',
      'URLs and a version',
      JSON.stringify(row).slice(0, 300),
    );
  }
  if (isSigned(cellId, scheme, one)) return one;
  throw new CellFileError('bad_address_signature', 'the member’s signature', toHex(key));
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
