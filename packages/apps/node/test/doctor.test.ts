// Tests of the examination of a host.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { equalBytes, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { afterAll, describe, expect, it } from 'vitest';
import { linkFor } from '../../../lock/core/test/links-of.ts';
import { saveChain } from '../src/chain-file.ts';
import { examineCertificate } from '../src/doctor/certificate.ts';
import { judgeClock } from '../src/doctor/clock.ts';
import { examineDisk, examineRoom, judgeSyncs } from '../src/doctor/disk.ts';
import { forecast, judgeReach, reach } from '../src/doctor/reach.ts';
import { examineNode } from '../src/doctor.ts';
import {
  examine,
  type Finding,
  generateKeyPem,
  initCell,
  loadConfig,
  loadSigner,
  verdictOf,
  writeKeyFile,
} from '../src/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'fatty-doctor-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const pem = (name: string): string =>
  fileURLToPath(new URL(`../../../edge/network/test/fixtures/${name}.pem`, import.meta.url));

/** A new key; answers its path. */
function writtenKey(path: string): string {
  writeKeyFile(path, generateKeyPem());
  return path;
}

describe('a certificate', () => {
  const files = {
    tlsCert: pem('localhost.cert'),
    tlsKey: pem('localhost.key'),
    tlsCa: pem('root.cert'),
    advertise: 'localhost',
    host: '0.0.0.0',
  };
  const nowMs = Date.parse('2027-06-01');
  const DAY_MS = 86_400_000;
  const said = (change: Partial<typeof files>, atMs = nowMs): string => {
    const { verdict, detail } = examineCertificate({ ...files, ...change }, atMs);
    return `${verdict}: ${detail}`;
  };

  it('is good where its name, its key and its authority are right', () => {
    expect(said({})).toMatch(/^good: for localhost, \d+ days left$/);
    expect(said({ tlsCert: '' })).toBe('good: none: links are ws');
  });

  it('is bad where others would refuse it', () => {
    expect(said({ advertise: 'r0.example' })).toMatch(/^bad: is for DNS:localhost/);
    expect(said({ tlsKey: pem('root.cert') })).toMatch(/^bad: /);
    expect(said({ tlsCa: pem('absent') })).toMatch(/^bad: ENOENT/);
    const own = join(dir, 'own.pem');
    const [first = ''] = readFileSync(pem('localhost.cert'), 'utf8').split(
      /(?<=END CERTIFICATE-----\n)/,
    );
    writeFileSync(own, first);
    // Without the certificate between it and the authority, nothing leads there.
    expect(said({ tlsCert: own })).toMatch(/^bad: no authority/);
    const empty = join(dir, 'empty.pem');
    writeFileSync(empty, '');
    expect(said({ tlsCert: empty })).toMatch(/^bad: /);
  });

  it('is told of before it expires', () => {
    const days = Number(/(\d+) days left/.exec(said({}))?.[1]);
    const leftWith = (left: number): number => nowMs + (days - left) * DAY_MS;
    expect(said({}, leftWith(13))).toBe('warning: 13 days left');
    expect(said({}, leftWith(14))).toMatch(/^good/);
    expect(said({}, leftWith(-1))).toMatch(/^bad: expired/);
    expect(said({}, 0)).toMatch(/^bad: not valid before/);
  });
});

describe('judgements', () => {
  const verdicts = (findings: readonly Finding[]): string[] => findings.map((one) => one.verdict);

  it('of the disk go by the write in the middle', async () => {
    const slow = Array.from({ length: 50 }, () => 2);
    slow[0] = 500;
    const all = [slow, slow.map(() => 20), slow.map(() => 200)].map(judgeSyncs);
    expect(verdicts(all)).toEqual(['good', 'warning', 'bad']);
    const rooms = await Promise.all([1, 2 ** 62].map((least) => examineRoom(dir, least)));
    expect(verdicts(rooms)).toEqual(['good', 'bad']);
  });

  it('of a disk that cannot be read or written end no examination', async () => {
    const absent = join(dir, 'absent');
    const found = await Promise.all([examineRoom(absent, 1), examineDisk(absent)]);
    expect(verdicts(found)).toEqual(['bad', 'bad']);
    expect(found.map(({ detail }) => detail).join()).toMatch(/ENOENT.*cannot be written: ENOENT/);
  });

  it('of clocks go by the member in the middle', () => {
    const all = [[0, 40_000, 100], [5_000, 5_100, -9e6], [-3_000], [undefined]].map(judgeClock);
    expect(verdicts(all)).toEqual(['good', 'bad', 'bad', 'warning']);
  });

  it('of a quorum say how many more may fail', () => {
    const at = (up: number): Finding =>
      forecast(
        [1, 2, 3].map((member) => ({ member, url: '', outcome: member <= up ? 1 : 'gone' })),
        { members: 4, needed: 3 },
      );
    expect(verdicts([1, 2, 3].map(at))).toEqual(['bad', 'warning', 'good']);
    expect(at(3).detail).toBe('4 of 4 in reach, 3 needed: 1 more may fail');
  });

  it('of Node are those of the package', () => {
    const all = ['18.20.0', '20.18.3', '20.19.0', '24.1.0'].map(examineNode);
    expect(verdicts(all)).toEqual(['bad', 'bad', 'good', 'good']);
  });

  it('of all are the worst', () => {
    const one = (verdict: Finding['verdict']): Finding => ({ name: '', verdict, detail: '' });
    expect(verdictOf([])).toBe('good');
    expect(verdictOf([one('good'), one('warning')])).toBe('warning');
    expect(verdictOf([one('bad'), one('warning')])).toBe('bad');
  });
});

it('reaches who listens, and says why it does not reach others', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const plain = await reach(1, `ws://127.0.0.1:${port}`, undefined);
  expect(judgeReach(plain).verdict).toBe('good');
  // Who speaks no TLS is not reached by it.
  expect(judgeReach(await reach(1, `wss://127.0.0.1:${port}`, undefined)).verdict).toBe('warning');
  const distrusted = { member: 1, url: 'wss://a:1', outcome: 'certificate has expired' };
  expect(judgeReach(distrusted).advice).toMatch(/tlsCa/);
  await new Promise((resolve) => server.close(resolve));
  const gone = judgeReach(await reach(1, `ws://127.0.0.1:${port}`, undefined));
  expect(gone.detail).toContain('ECONNREFUSED');
  expect(judgeReach(await reach(2, '', undefined)).detail).toContain('nobody has said where it is');
});

it('names a key file that is none', () => {
  const path = join(dir, 'garbage.pem');
  writeFileSync(path, 'garbage');
  const signer = loadSigner(path);
  expect(signer.ok ? undefined : signer.failure.expected).toContain(path);
});

describe('a folder', () => {
  const founded = initCell({ dir: join(dir, 'cell'), replicas: 4, freePorts: true });
  const replica = join(dir, 'cell', 'replica-0');
  const examined = async (change: object = {}): Promise<Record<string, string>> => {
    const config = loadConfig({ dir: replica, ...change }, {});
    if (!config.ok) throw new Error(config.failure.code);
    const findings = await examine(config.value);
    return Object.fromEntries(findings.map(({ name, verdict }) => [name, verdict]));
  };

  it('is examined whole, and left as it was', async () => {
    expect(founded.ok).toBe(true);
    const before = readdirSync(replica);
    const { disk, ...others } = await examined();
    expect(disk).toBeDefined();
    expect(others).toMatchObject({ node: 'good', key: 'good', cell: 'good', process: 'good' });
    expect(others).toMatchObject({ quorum: 'bad', clock: 'warning' });
    expect(Object.keys(others).filter((name) => name.startsWith('member'))).toHaveLength(3);
    expect(readdirSync(replica)).toEqual(before);
  });

  it('whose key others may read, or that is of no member, is told of', async () => {
    const key = join(replica, 'key.pem');
    chmodSync(key, 0o644);
    expect((await examined()).key).toBe('warning');
    chmodSync(key, 0o600);
    const mine = readFileSync(key);
    writeFileSync(key, 'no key');
    expect(await examined()).toMatchObject({ key: 'bad', cell: 'bad' });
    writeFileSync(key, mine);
    expect((await examined({ cell: join(dir, 'absent.json') })).cell).toBe('bad');
  });

  it('is told of a port that another program has', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect((await examined({ peerPort: port })).process).toBe('warning');
    await new Promise((resolve) => server.close(resolve));
    expect((await examined({ peerPort: port })).process).toBe('good');
  });

  it('of a later epoch is held against the members of today, by links that are checked', async () => {
    if (!founded.ok) throw new Error(founded.failure.code);
    const { cellId, committee } = founded.value;
    const signers = [0, 1, 2, 3].map((i) => {
      const signer = loadSigner(join(dir, 'cell', `replica-${i}`, 'key.pem'));
      if (!signer.ok) throw new Error(signer.failure.code);
      return signer.value;
    });
    const [, , gone] = committee.members;
    const old = signers.find(({ publicKey }) => gone && equalBytes(publicKey, gone));
    const fresh = loadSigner(writtenKey(join(dir, 'fresh.pem')));
    if (gone === undefined || old === undefined || !fresh.ok) throw new Error('keys');
    const change = { kind: 'replace', old: gone, key: fresh.value.publicKey } as const;
    const rules = { committee, cellId, scheme: nodeScheme() };
    const link = linkFor(rules, signers, [change], { index: 50, leaseClock: 1 });
    const at = (index: number): string => join(dir, 'cell', `replica-${index}`);
    const said = async (folder: string, name: string): Promise<string> => {
      const config = loadConfig({ dir: folder }, {});
      if (!config.ok) throw new Error(config.failure.code);
      const found = (await examine(config.value)).find((one) => one.name === name);
      return `${found?.verdict}: ${found?.detail}`;
    };
    const removed = committee.members.findIndex((key) => equalBytes(key, gone));
    saveChain(at(removed), [link]);
    expect(await said(at(removed), 'cell')).toMatch(
      /^bad: .*epoch 1: this key is no member since epoch 0 ended$/,
    );
    const stays = removed === 0 ? 1 : 0;
    saveChain(at(stays), [link]);
    expect(await said(at(stays), 'cell')).toMatch(/^good: .*epoch 1, member \d of 4$/);
    const words = `epoch 0 ended with replace ${toHex(gone).slice(0, 16)} by `;
    expect(await said(at(stays), 'epoch')).toContain(words);
    // Who joins follows until it is a member.
    const joiner = join(dir, 'cell', 'joiner');
    mkdirSync(joiner);
    writtenKey(join(joiner, 'key.pem'));
    expect(await said(joiner, 'cell')).toMatch(/^bad: .*this key is no member$/);
    saveChain(joiner, [link]);
    expect(await said(joiner, 'cell')).toMatch(/^warning: .*epoch 1: this key follows/);
    expect(await said(joiner, 'quorum')).toContain('0 of 4 in reach, 3 needed');
    // Two of four are no quorum: such a link leads nowhere.
    saveChain(joiner, [linkFor(rules, signers, [change], { index: 50, leaseClock: 1 }, 2)]);
    expect(await said(joiner, 'epoch')).toMatch(/^good: epoch 0, 4 members, quorum 3$/);
  });
});
