// Makes new cells and keys, reads and writes cell.json.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareBytes, fail, failure, ok, type Signer, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Failure, Outcome, PublicKey } from '@fatty/interface';
import { urlHost } from '@fatty/network';
import {
  type Cell,
  type CellParams,
  type Committee,
  cellIdOf,
  checkWindows,
  DEFAULT_PARAMS,
  type Founding,
  newestAddresses,
  parseCell,
  type SignedAddresses,
  signAddresses,
  writeCell,
} from '@fatty/protocol';
import { isWildcard } from './config.ts';
import { generateKeyPem, signerOfPem, writeKeyFile } from './keys.ts';

/** Default ports: peers 7400+i, clients 7420+i, HTTP 7440+i. */
const PORTS = { peer: 7400, client: 7420, http: 7440 };
/** Beside cell.json: the state that a founded cell begins with. */
export const FOUNDING_FILE = 'founding.state';
const REPLICAS_MIN = 4;
const REPLICAS_MAX = 20;

/** What a new cell is like. */
export interface InitOptions {
  readonly dir: string;
  /** n = 3f+1 at best; at least 4. */
  readonly replicas: number;
  readonly host?: string;
  /** Where the members are reached, when it is not `host`; needed when `host` is a wildcard. */
  readonly advertise?: string;
  /** True: members speak plain `ws`, also beyond loopback. */
  readonly insecure?: boolean;
  /** The addresses are `wss://`: every member has a certificate. Else it is made when they start. */
  readonly tls?: boolean;
  /** True: every port is 0, taken at start and published through cell.json. */
  readonly freePorts?: boolean;
  readonly params?: Partial<CellParams>;
  /** Module of the algorithm that its replicas host; default: the lock service. */
  readonly algorithm?: { readonly name: string; readonly path: string };
  /** Client key of the first administrator; default: the cell is open. */
  readonly admin?: PublicKey;
  /** The state of another cell that it goes on from. */
  readonly founding?: Founding;
}

/**
 * Makes a new cell: DIR/cell.json and DIR/replica-i/{key.pem, config.json}, i = committee index.
 * Codes: `bad_option`, `bad_windows`, `exists`.
 */
export function initCell(options: InitOptions): Outcome<Cell> {
  const { dir, replicas, host = '127.0.0.1' } = options;
  if (!Number.isInteger(replicas) || replicas < REPLICAS_MIN || replicas > REPLICAS_MAX) {
    return fail('bad_option', `${REPLICAS_MIN} to ${REPLICAS_MAX} replicas`, String(replicas));
  }
  if (existsSync(join(dir, 'cell.json')))
    return fail('exists', 'no cell.json', join(dir, 'cell.json'));
  const advertise = options.advertise ?? host;
  if (isWildcard(advertise)) return fail('bad_option', `advertise, to reach ${host} at`, 'nothing');
  const members = newMembers(replicas);
  const committee: Committee = {
    epoch: 0,
    members: members.map(({ signer }) => signer.publicKey),
    // The lease clock is never ahead of the time.
    genesisTs: Math.max(Date.now(), options.founding?.leaseClock ?? 0),
    params: { ...DEFAULT_PARAMS, ...options.params },
  };
  const flaw = checkWindows(committee);
  if (flaw) return { ok: false, failure: flaw };
  const cellId = cellIdOf(committee);
  const addresses = members.map(({ signer }, i) => {
    const scheme = options.tls === true ? 'wss' : 'ws';
    const url = (scheme: string, base: number): string =>
      options.freePorts ? '' : `${scheme}://${urlHost(advertise)}:${base + i}`;
    const at = {
      peer: url(scheme, PORTS.peer),
      client: url(scheme, PORTS.client),
      // Always on loopback, whatever the others are told.
      http: options.freePorts ? '' : `http://127.0.0.1:${PORTS.http + i}`,
    };
    return signAddresses(cellId, signer, at);
  });
  const named = options.algorithm && { algorithm: options.algorithm.name };
  const cell: Cell = {
    cellId,
    committee,
    addresses: options.freePorts ? [] : addresses,
    ...named,
    ...(options.admin && { admin: options.admin }),
    ...(options.founding && { founding: options.founding }),
  };
  mkdirSync(dir, { recursive: true });
  for (const [i, { pem }] of members.entries())
    writeReplica(join(dir, `replica-${i}`), pem, i, options);
  saveCell(join(dir, 'cell.json'), cell);
  return ok(cell);
}

/** A member as its operator has named it: the key that `fatty keygen` printed there, and where it will be. */
export interface NamedMember {
  readonly key: PublicKey;
  readonly host: string;
  readonly peerPort?: number;
  readonly clientPort?: number;
}

/** What a new cell of named members is like. */
export interface FoundOptions {
  readonly dir: string;
  readonly members: readonly NamedMember[];
  /** The places to look for members are `wss://`. */
  readonly tls?: boolean;
  readonly params?: Partial<CellParams>;
  /** Name of the algorithm that its replicas host; default: the lock service. */
  readonly algorithm?: string;
  /** Client key of the first administrator; default: the cell is open. */
  readonly admin?: PublicKey;
}

/**
 * Makes DIR/cell.json of members that keep their keys to themselves. Where they are is a hint until they
 * say so themselves. Codes: `bad_option`, `bad_key`, `bad_windows`, `exists`.
 */
export function foundCell(options: FoundOptions): Outcome<Cell> {
  const { dir, members: named, tls, params, algorithm, admin } = options;
  const path = join(dir, 'cell.json');
  if (named.length < REPLICAS_MIN || named.length > REPLICAS_MAX) {
    return fail('bad_option', `${REPLICAS_MIN} to ${REPLICAS_MAX} members`, String(named.length));
  }
  if (existsSync(path)) return fail('exists', 'no cell.json', path);
  const flaw = flawOfKeys(named.map(({ key }) => key));
  if (flaw) return { ok: false, failure: flaw };
  const members = [...named].sort((a, b) => compareBytes(a.key, b.key));
  const committee: Committee = {
    epoch: 0,
    members: members.map(({ key }) => key),
    genesisTs: Date.now(),
    params: { ...DEFAULT_PARAMS, ...params },
  };
  const windows = checkWindows(committee);
  if (windows) return { ok: false, failure: windows };
  const hints = members.map(({ key, host, peerPort, clientPort }) => {
    const url = (port: number): string =>
      `${tls === true ? 'wss' : 'ws'}://${urlHost(host)}:${port}`;
    return { key, peer: url(peerPort ?? PORTS.peer), client: url(clientPort ?? PORTS.client) };
  });
  const cell: Cell = {
    cellId: cellIdOf(committee),
    committee,
    addresses: [],
    hints,
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(admin === undefined ? {} : { admin }),
  };
  mkdirSync(dir, { recursive: true });
  saveCell(path, cell);
  return ok(cell);
}

function flawOfKeys(keys: readonly PublicKey[]): Failure | undefined {
  const names = keys.map(toHex);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return failure('bad_option', 'each member once', twice);
  for (const key of keys) {
    const verdict = nodeScheme().admit(key);
    if (verdict.kind !== 'accept') return failure('bad_key', verdict.expected, toHex(key));
  }
  return undefined;
}

/**
 * Makes DIR/key.pem, which only its owner reads, and the start of a config.json with the usual ports; answers
 * the public key. Code: `exists`.
 */
export function makeKey(dir: string): Outcome<PublicKey> {
  const path = join(dir, 'key.pem');
  if (existsSync(path)) return fail('exists', 'no key.pem', path);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const pem = generateKeyPem();
  const signer = signerOfPem(pem);
  if (!signer.ok) return signer;
  writeKeyFile(path, pem);
  const config = { peerPort: PORTS.peer, clientPort: PORTS.client, httpPort: PORTS.http };
  const settings = join(dir, 'config.json');
  if (!existsSync(settings)) writeFileSync(settings, `${JSON.stringify(config, null, 2)}\n`);
  return ok(signer.value.publicKey);
}

function newMembers(count: number): readonly { pem: string; signer: Signer }[] {
  const members = Array.from({ length: count }, () => {
    const pem = generateKeyPem();
    const signer = signerOfPem(pem);
    if (!signer.ok) throw new Error(signer.failure.actual);
    return { pem, signer: signer.value };
  });
  return members.sort((a, b) => compareBytes(a.signer.publicKey, b.signer.publicKey));
}

function writeReplica(dir: string, pem: string, i: number, options: InitOptions): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeKeyFile(join(dir, 'key.pem'), pem);
  const ports = options.freePorts
    ? {}
    : { peerPort: PORTS.peer + i, clientPort: PORTS.client + i, httpPort: PORTS.http + i };
  const reached = options.advertise === undefined ? {} : { advertise: options.advertise };
  const insecure = options.insecure === true ? { insecure: true } : {};
  const algorithm = options.algorithm && { algorithm: options.algorithm.path };
  const config = {
    host: options.host ?? '127.0.0.1',
    ...reached,
    ...ports,
    ...insecure,
    ...algorithm,
  };
  writeFileSync(join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** Replaces cell.json in one step, so that no reader sees half of it. */
export function saveCell(path: string, cell: Cell): void {
  writeFileSync(`${path}.new`, writeCell(cell));
  renameSync(`${path}.new`, path);
}

/** Reads and checks cell.json. Codes of `parseCell`, and `cell_unreadable`. */
export function loadCell(path: string): Outcome<Cell> {
  try {
    return parseCell(readFileSync(path, 'utf8'), nodeScheme());
  } catch (error) {
    return fail('cell_unreadable', `readable ${path}`, (error as Error).message);
  }
}

/** The cell with these members' newer addresses put in; of one version they count as newer. */
export function withAddresses(cell: Cell, fresh: readonly SignedAddresses[]): Cell {
  return { ...cell, addresses: newestAddresses(fresh, cell.addresses) };
}
