// Tests of new cells and keys.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asPublicKey, compareBytes, toHex, utf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { contactsOf, signAddresses } from '@fatty/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  foundCell,
  generateKeyPem,
  initCell,
  loadCell,
  loadSigner,
  makeKey,
  saveCell,
  signerOfPem,
  withAddresses,
  writeKeyFile,
} from '../src/index.ts';

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'fatty-init-')), 'cell');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

function newCell(options: object = {}) {
  const cell = initCell({ dir, replicas: 4, ...options });
  if (!cell.ok) throw new Error(cell.failure.code);
  return cell.value;
}

const path = (...parts: string[]): string => join(dir, ...parts);
const configOf = (i: number): unknown =>
  JSON.parse(readFileSync(path(`replica-${i}`, 'config.json'), 'utf8'));

describe('initCell', () => {
  it('makes keys that only their owner reads, in committee order', () => {
    const { committee } = newCell({ replicas: 7 });
    expect(committee.members).toHaveLength(7);
    committee.members.forEach((key, i) => {
      const file = path(`replica-${i}`, 'key.pem');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(path(`replica-${i}`)).mode & 0o777).toBe(0o700);
      const signer = loadSigner(file);
      expect(signer.ok && toHex(signer.value.publicKey)).toBe(toHex(key));
      if (i > 0) expect(compareBytes(committee.members[i - 1] ?? key, key)).toBeLessThan(0);
    });
  });

  it('writes a cell.json that reads back as the same cell', () => {
    const cell = newCell({ params: { horizonRounds: 60, supportRoundsMax: 20 } });
    const loaded = loadCell(path('cell.json'));
    expect(loaded).toEqual({ ok: true, value: cell });
    expect(cell.committee.params).toMatchObject({ horizonRounds: 60, supportRoundsMax: 20 });
    expect(newCell({ dir: path('other') }).cellId).not.toEqual(cell.cellId);
  });

  it('refuses windows that would lose blocks, and writes nothing', () => {
    const none = path('none');
    for (const params of [{ supportRoundsMax: 7 }, { horizonRounds: 400 }]) {
      const cell = initCell({ dir: none, replicas: 4, params });
      expect(cell).toMatchObject({ ok: false, failure: { code: 'bad_windows' } });
    }
    expect(existsSync(none)).toBe(false);
  });

  it('gives fixed ports and signed addresses, or none at all', () => {
    const fixed = newCell();
    expect(fixed.addresses.map((at) => at.peer)).toEqual(
      [7400, 7401, 7402, 7403].map((port) => `ws://127.0.0.1:${port}`),
    );
    expect(configOf(3)).toMatchObject({ peerPort: 7403, clientPort: 7423, httpPort: 7443 });
    const free = newCell({ dir: path('free'), freePorts: true });
    expect(free.addresses).toEqual([]);
    expect(readFileSync(path('free', 'replica-0', 'config.json'), 'utf8')).not.toContain('Port');
  });

  it('writes wss:// when it is told that there will be certificates', () => {
    const [first] = newCell({ tls: true }).addresses;
    expect([first?.peer, first?.client]).toEqual(['wss://127.0.0.1:7400', 'wss://127.0.0.1:7420']);
  });

  it('publishes where members are reached, not every address of the machine', () => {
    const wide = { host: '0.0.0.0', dir: path('wide') };
    const refused = initCell({ replicas: 4, ...wide });
    expect(!refused.ok && refused.failure.code).toBe('bad_option');
    const cell = newCell({ ...wide, advertise: 'fe80::1' });
    expect(cell.addresses[1]).toMatchObject({
      peer: 'ws://[fe80::1]:7401',
      client: 'ws://[fe80::1]:7421',
      http: 'http://127.0.0.1:7441',
    });
    expect(
      JSON.parse(readFileSync(path('wide', 'replica-1', 'config.json'), 'utf8')),
    ).toMatchObject({ host: '0.0.0.0', advertise: 'fe80::1' });
  });

  it('refuses to overwrite a cell, and too few or too many replicas', () => {
    newCell();
    const code = (options: object): unknown => {
      const cell = initCell({ dir, replicas: 4, ...options });
      return cell.ok ? undefined : cell.failure.code;
    };
    const before = readFileSync(path('cell.json'), 'utf8');
    expect(code({})).toBe('exists');
    expect(readFileSync(path('cell.json'), 'utf8')).toBe(before);
    for (const replicas of [0, 3, 21, 4.5, Number.NaN]) {
      expect([replicas, code({ dir: path('no'), replicas })]).toEqual([replicas, 'bad_option']);
    }
  });
});

describe('foundCell', () => {
  const named = () =>
    [0, 1, 2, 3].map((i) => {
      const key = makeKey(path(`machine-${i}`));
      if (!key.ok) throw new Error(key.failure.code);
      return {
        key: key.value,
        host: `r${i}.example`,
        ...(i === 1 && { peerPort: 1, clientPort: 2 }),
      };
    });

  it('makes a cell of public keys, with hints where to look', () => {
    const members = named();
    expect(statSync(path('machine-0', 'key.pem')).mode & 0o777).toBe(0o600);
    expect(makeKey(path('machine-0'))).toMatchObject({ failure: { code: 'exists' } });
    const cell = foundCell({ dir, members, tls: true });
    if (!cell.ok) throw new Error(cell.failure.code);
    expect(loadCell(path('cell.json'))).toEqual(cell);
    expect(cell.value.addresses).toEqual([]);
    const urls = members.map(({ key }) => {
      const hint = contactsOf(cell.value).find((one) => toHex(one.key) === toHex(key));
      return [hint?.peer, hint?.client];
    });
    expect(urls).toEqual([
      ['wss://r0.example:7400', 'wss://r0.example:7420'],
      ['wss://r1.example:1', 'wss://r1.example:2'],
      ['wss://r2.example:7400', 'wss://r2.example:7420'],
      ['wss://r3.example:7400', 'wss://r3.example:7420'],
    ]);
    const code = (from: typeof members, into = path('other')): unknown => {
      const made = foundCell({ dir: into, members: from });
      return made.ok ? undefined : made.failure.code;
    };
    expect(code(members, dir)).toBe('exists');
    expect(code(members.slice(1))).toBe('bad_option');
    expect(code([...members, ...members.slice(1, 2)])).toBe('bad_option');
    const torsion = { key: asPublicKey(new Uint8Array(32)), host: 'x' };
    expect(code([...members, torsion])).toBe('bad_key');
    expect(existsSync(path('other'))).toBe(false);
  });
});

describe('keys', () => {
  it('reads back what it writes, and never over another key', () => {
    const pem = generateKeyPem();
    const file = `${dir}.pem`;
    writeKeyFile(file, pem);
    const signer = loadSigner(file);
    if (!signer.ok) throw new Error(signer.failure.code);
    const sig = signer.value.sign(utf8('said'));
    expect(nodeScheme().verify(signer.value.publicKey, utf8('said'), sig)).toBe(true);
    expect(() => writeKeyFile(file, generateKeyPem())).toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe(pem);
  });

  it('says bad_key_file to what is no Ed25519 key', () => {
    const code = (pem: string): unknown => {
      const signer = signerOfPem(pem);
      return signer.ok ? undefined : signer.failure.code;
    };
    expect(code('')).toBe('bad_key_file');
    expect(code(generateKeyPem().slice(0, 60))).toBe('bad_key_file');
    // X25519 keys look alike: same length, other algorithm.
    const x25519 = 'MC4CAQAwBQYDK2VuBCIEIMgI5fKrq0kVxYFFUbEHvYtPaNQoC0hHFtcUvOEGJVJf';
    expect(code(`-----BEGIN PRIVATE KEY-----\n${x25519}\n-----END PRIVATE KEY-----\n`)).toBe(
      'bad_key_file',
    );
    expect(loadSigner(`${dir}.none`)).toMatchObject({ failure: { code: 'bad_key_file' } });
  });
});

describe('cell.json', () => {
  it('is unreadable, damaged or forged: three answers', () => {
    expect(loadCell(path('none.json'))).toMatchObject({ failure: { code: 'cell_unreadable' } });
    newCell();
    const good = readFileSync(path('cell.json'), 'utf8');
    const changed = (from: RegExp, to: string): unknown => {
      expect(good).toMatch(from);
      writeFileSync(path('cell.json'), good.replace(from, to));
      const cell = loadCell(path('cell.json'));
      return cell.ok ? undefined : cell.failure.code;
    };
    expect(changed(/\{/, '')).toBe('bad_cell_file');
    expect(changed(/"genesisTs": ?\d/, '"genesisTs": 3')).toBe('wrong_cell_id');
    expect(changed(/127\.0\.0\.1:7420/, '127.0.0.1:9999')).toBe('bad_address_signature');
  });

  it('takes fresh addresses of some members and keeps the others', () => {
    const cell = newCell();
    const signer = loadSigner(path('replica-2', 'key.pem'));
    if (!signer.ok) throw new Error(signer.failure.code);
    const at = { peer: 'ws://[::1]:1', client: 'ws://[::1]:2', http: 'http://[::1]:3' };
    const moved = withAddresses(cell, [signAddresses(cell.cellId, signer.value, at)]);
    saveCell(path('cell.json'), moved);
    const loaded = loadCell(path('cell.json'));
    expect(loaded.ok && loaded.value.addresses.map((one) => one.peer)).toEqual([
      'ws://127.0.0.1:7400',
      'ws://127.0.0.1:7401',
      'ws://[::1]:1',
      'ws://127.0.0.1:7403',
    ]);
  });
});
