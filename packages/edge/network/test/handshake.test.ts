// Tests of the handshake.
import { readFileSync } from 'node:fs';
import { ACCEPT, asCellId, decode, encode, ignore, toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptor,
  dialler,
  type Handshake,
  type LinkIdentity,
  type Step,
} from '../src/handshake.ts';
import { dials } from '../src/index.ts';
import { type HandshakeMessage, handshakeShape } from '../src/messages.ts';
import { client, identityOf, server, signerOf } from './ends.ts';

const limits = { messageBytesMax: 1000, silenceMsMax: 5000 };

let counter = 0;
const random = (size: number): Uint8Array => new Uint8Array(size).fill(++counter);

interface Result {
  /** Failure code or 'linked'. */
  readonly code: string;
  /** Who refused. */
  readonly at: 'dialler' | 'acceptor' | undefined;
  readonly said: readonly Uint8Array[];
}

type Tamper = (message: Uint8Array, i: number) => Uint8Array;

/** Runs both ends against each other, with somebody in the middle. */
function run(
  dialling: Handshake,
  accepting: Handshake,
  tamper: Tamper = (message) => message,
): Result {
  const said: Uint8Array[] = [];
  let message = dialling.start();
  for (let i = 0; i < 4 && message !== undefined; i++) {
    said.push(message);
    const toAcceptor = i % 2 === 0;
    const step: Outcome<Step> = (toAcceptor ? accepting : dialling).step(tamper(message, i));
    if (!step.ok) return { code: step.failure.code, at: toAcceptor ? 'acceptor' : 'dialler', said };
    message = step.value.reply;
    if (!toAcceptor && step.value.peer !== undefined)
      return { code: 'linked', at: undefined, said };
  }
  return { code: 'unfinished', at: undefined, said };
}

const ends = (
  left: Partial<LinkIdentity> = {},
  right: Partial<LinkIdentity> = {},
): [Handshake, Handshake] => [
  dialler(identityOf(client, 'client', left), random),
  acceptor(identityOf(server, 'replica', right), limits, random),
];

const change = (bytes: Uint8Array, edit: (message: HandshakeMessage) => object): Uint8Array => {
  const read = decode(handshakeShape, bytes, 1024);
  if (!read.ok) throw new Error('not a handshake message');
  return encode(handshakeShape, { ...read.value, ...edit(read.value) } as HandshakeMessage);
};

test('two honest ends prove themselves to each other', () => {
  const [dialling, accepting] = ends();
  const hello = dialling.start() as Uint8Array;
  const challenge = accepting.step(hello);
  if (!challenge.ok) throw new Error(challenge.failure.code);
  const proof = dialling.step(challenge.value.reply as Uint8Array);
  if (!proof.ok) throw new Error(proof.failure.code);
  expect(proof.value.peer).toBeUndefined();
  const welcome = accepting.step(proof.value.reply as Uint8Array);
  if (!welcome.ok) throw new Error(welcome.failure.code);
  expect(welcome.value.peer).toEqual({
    key: client.publicKey,
    role: 'client',
    version: 1,
    messageBytesMax: 1000,
  });
  const done = dialling.step(welcome.value.reply as Uint8Array);
  if (!done.ok) throw new Error(done.failure.code);
  expect(done.value.peer?.key).toEqual(server.publicKey);
  expect(done.value.peer?.role).toBe('replica');
});

test.each([
  [3, 7],
  [7, 3],
])(
  'ends in epochs %i and %i link: what is said over a link names its epoch itself',
  (left, right) => {
    const [dialling, accepting] = ends({ epoch: () => left }, { epoch: () => right });
    const said = (bytes: Uint8Array | undefined, to: Handshake): Step => {
      const step = to.step(bytes ?? new Uint8Array());
      if (!step.ok) throw new Error(step.failure.code);
      return step.value;
    };
    const challenge = said(dialling.start(), accepting);
    const proof = said(challenge.reply, dialling);
    const welcome = said(proof.reply, accepting);
    expect(said(welcome.reply, dialling).peer?.key).toEqual(server.publicKey);
  },
);

describe('refusals', () => {
  const other = asCellId(new Uint8Array(32).fill(8));
  const lying = { ...signerOf(9), publicKey: client.publicKey };
  const cases: [string, Partial<LinkIdentity>, Partial<LinkIdentity>, string, string][] = [
    ['another cell', { cellId: other }, {}, 'wrong_cell', 'acceptor'],
    ['no common version', { versions: [7] }, {}, 'wrong_version', 'acceptor'],
    ['a signature by another key', { signer: lying }, {}, 'bad_signature', 'acceptor'],
    [
      'a client on a replica port',
      {},
      { admit: identityOf(client, 'client').admit },
      'wrong_role',
      'acceptor',
    ],
    ['a stranger as replica', { role: 'replica' }, {}, 'wrong_role', 'acceptor'],
    ['our own key', { signer: server }, {}, 'own_key', 'acceptor'],
    ['no room', {}, { admit: () => ignore('busy', 'room', 'none') }, 'slow_down', 'acceptor'],
    ['another replica than dialled', {}, { signer: signerOf(3) }, 'stranger', 'dialler'],
    ['an acceptor that is no replica', {}, { role: 'client' }, 'wrong_role', 'dialler'],
    [
      'an acceptor without its key',
      {},
      { signer: { ...signerOf(9), publicKey: server.publicKey } },
      'bad_signature',
      'dialler',
    ],
  ];
  test.each(cases)('%s', (_name, left, right, code, at) => {
    expect(run(...ends(left, right))).toMatchObject({ code, at });
  });

  test('a key that the scheme does not admit', () => {
    const small = { publicKey: new Uint8Array(32) as typeof client.publicKey, sign: client.sign };
    const result = run(...ends({ signer: small }));
    expect(result).toMatchObject({ code: 'bad_key', at: 'acceptor' });
  });

  test('a stranger with a committee port in front of it', () => {
    const committee = identityOf(signerOf(5), 'replica').admit;
    const result = run(...ends({ role: 'replica', signer: signerOf(6) }, { admit: committee }));
    expect(result).toMatchObject({ code: 'stranger', at: 'acceptor' });
    expect(result.said).toHaveLength(1);
  });
});

test('a proof of another handshake is worth nothing', () => {
  const first = run(...ends());
  const [, accepting] = ends();
  expect(accepting.step(first.said[0] as Uint8Array).ok).toBe(true);
  const replay = accepting.step(first.said[2] as Uint8Array);
  expect(replay.ok ? 'linked' : replay.failure.code).toBe('bad_signature');
});

test('a proof is no welcome and a welcome no proof', () => {
  const proof = run(...ends()).said[2] as Uint8Array;
  const reflected = run(...ends(), (message, i) => {
    if (i !== 3) return message;
    const read = decode(handshakeShape, proof, 1024);
    return read.ok && read.value.kind === 'proof'
      ? encode(handshakeShape, { kind: 'welcome', limits, signature: read.value.signature })
      : message;
  });
  expect(reflected).toMatchObject({ code: 'bad_signature', at: 'dialler' });
});

test('whatever somebody in the middle changes, no link comes up', () => {
  const edits: [number, (message: HandshakeMessage) => object][] = [
    [0, () => ({ nonce: new Uint8Array(32) })],
    [0, () => ({ role: 'replica' })],
    [0, () => ({ versions: [1] })],
    [0, () => ({ key: signerOf(5).publicKey })],
    [1, () => ({ nonce: new Uint8Array(32) })],
    [1, () => ({ version: 2 })],
    [1, () => ({ key: signerOf(5).publicKey })],
    [3, () => ({ limits: { messageBytesMax: 1, silenceMsMax: 5000 } })],
  ];
  for (const [at, edit] of edits) {
    const both = ends({ admit: () => ACCEPT, versions: [1, 2] }, { admit: () => ACCEPT });
    const result = run(...both, (message, i) => (i === at ? change(message, edit) : message));
    expect(result.code, `message ${at}: ${edit.toString()}`).not.toBe('linked');
    expect(result.code).not.toBe('unfinished');
  }
});

test('any changed byte of any message is refused', () => {
  const at = fc.record({ message: fc.nat(3), byte: fc.nat(200), bit: fc.nat(7) });
  fc.assert(
    fc.property(at, ({ message, byte, bit }) => {
      const result = run(...ends(), (bytes, i) => {
        if (i !== message) return bytes;
        const changed = bytes.slice();
        const place = byte % bytes.length;
        changed[place] = (changed[place] as number) ^ (1 << bit);
        return changed;
      });
      expect(result.code).not.toBe('linked');
    }),
    { numRuns: 150 },
  );
});

test('garbage, early and repeated messages are malformed, never thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2), (garbage, stage) => {
      const [dialling, accepting] = ends();
      const code = (step: Outcome<Step>): string => (step.ok ? 'ok' : step.failure.code);
      if (stage === 0) expect(code(accepting.step(garbage))).toBe('malformed');
      if (stage === 1) expect(code(dialling.step(garbage))).toBe('malformed');
      const hello = dialling.start() as Uint8Array;
      expect(code(accepting.step(hello))).toBe('ok');
      expect(code(accepting.step(stage === 2 ? garbage : hello))).toBe('malformed');
    }),
  );
  const [dialling, accepting] = ends();
  const said = run(dialling, accepting).said;
  for (const end of [dialling, accepting]) {
    const again = end.step(said[3] as Uint8Array);
    expect(again.ok ? 'ok' : again.failure.code).toBe('malformed');
  }
});

test('the highest common version is taken', () => {
  const versionOf = (offered: number[], known: number[]): number => {
    const [dialling, accepting] = ends({ versions: offered }, { versions: known });
    const step = accepting.step(dialling.start() as Uint8Array);
    const read = step.ok ? decode(handshakeShape, step.value.reply as Uint8Array, 1024) : undefined;
    return read?.ok && read.value.kind === 'challenge' ? read.value.version : -1;
  };
  expect(versionOf([1, 3, 2], [2, 1])).toBe(2);
  expect(versionOf([1], [1, 2])).toBe(1);
});

test('of two replicas exactly one dials', () => {
  expect(dials(server.publicKey, client.publicKey)).toBe(
    !dials(client.publicKey, server.publicKey),
  );
  expect(dials(server.publicKey, server.publicKey)).toBe(false);
});

test('golden vectors of the four messages', () => {
  const nonces = (fill: number) => (size: number) => new Uint8Array(size).fill(fill);
  const said = run(
    dialler(identityOf(client, 'client'), nonces(0xaa)),
    acceptor(identityOf(server, 'replica'), limits, nonces(0xbb)),
  ).said;
  const golden = new URL('./fixtures/handshake.golden.txt', import.meta.url);
  expect(said.map(toHex)).toEqual(readFileSync(golden, 'utf8').trim().split('\n'));
});
