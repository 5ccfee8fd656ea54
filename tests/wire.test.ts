// MESSAGES.md and REFERENCE.md say what is on the wire: every byte of them is recomputed here.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { decode, encode, opaque, toHex } from '@fatty/codec';
import { clientMessageShapeOf, gatewayMessageShapeOf } from '@fatty/protocol';
import { peerMessageShape } from '@fatty/replica';
import { describe, expect, it } from 'vitest';
import { annotate, bytesOf } from './wire/annotate.ts';
import { formOf } from './wire/form.ts';
import { page } from './wire/page.ts';
import { reference } from './wire/reference.ts';
import {
  clientMessages,
  gatewayMessages,
  handshake,
  objects,
  peerMessages,
} from './wire/samples.ts';
import * as values from './wire/values.ts';

const PAGES = [
  { name: '../packages/kernel/replica/MESSAGES.md', write: page },
  { name: '../packages/lock/api/REFERENCE.md', write: reference },
];

for (const { name, write } of PAGES) {
  it(`${name} is what the shapes say`, () => {
    const [file, text] = [new URL(name, import.meta.url), write()];
    if (process.env.GOLDEN === 'write') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
}

describe('a listing', () => {
  const known = new Map(objects().map(({ bytes, name }) => [toHex(bytes), name]));
  for (const { name, shape, bytes } of [...objects(), ...handshake()]) {
    it(`of a ${name} has all of its bytes, and no others`, () => {
      const others = new Map([...known].filter(([, other]) => other !== name));
      expect(toHex(bytesOf(annotate(formOf(shape), name, bytes, others), others))).toBe(
        toHex(bytes),
      );
    });
  }
});

/** By another library than the product's, from the words of the page alone. */
const domain = (type: string): Buffer => {
  const text = Buffer.from(`fatty/${type}/1`);
  return Buffer.concat([Buffer.from([text.length]), text]);
};
const hashed = (type: string, ...parts: Uint8Array[]): string =>
  createHash('sha256')
    .update(Buffer.concat([domain(type), ...parts]))
    .digest('hex');

function isSigned(key: Uint8Array, type: string, bytes: Uint8Array, sig: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  const message = Buffer.concat([domain(type), values.cellId, bytes]);
  return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), sig);
}

const bytesNamed = (name: string): Uint8Array => {
  const one = objects().find((object) => object.name === name);
  if (one === undefined) throw new Error(name);
  return one.bytes;
};

describe('the words of the page', () => {
  it('make every digest', () => {
    const { block, commit, frame, signedVote, session, client, nonce } = values;
    expect(hashed('cell', bytesNamed('committee'))).toBe(toHex(values.cellId));
    expect(hashed('body', bytesNamed('body'))).toBe(toHex(block.header.bodyHash));
    expect(hashed('block', bytesNamed('header'))).toBe(toHex(block.ref.digest));
    expect(hashed('commit', bytesNamed('commit'))).toBe(toHex(commit.digest));
    expect(toHex(frame.commitDigest)).toBe(toHex(commit.digest));
    expect(toHex(signedVote.core)).toContain(hashed('frame', bytesNamed('frame')));
    const basis = Uint8Array.of(0x82, 0, 0);
    expect(hashed('session', client.publicKey, nonce, basis)).toBe(toHex(session));
    const virtual = hashed('virtual', values.cellId, Uint8Array.of(0, 2));
    expect(virtual).toBe(toHex(values.virtualOfMember2.digest));
    const preimage = bytesNamed('keep-alive').slice(-32);
    expect(hashed('keep-alive', Buffer.from(hashed('keep-alive', preimage), 'hex'))).toBe(
      toHex(values.anchor),
    );
  });

  it('verify every signature', () => {
    const { block, client, signedBatch, signedVote, cert, motion, ready, signerAt } = values;
    const key = (i: number): Uint8Array => signerAt(i).publicKey;
    expect(isSigned(client.publicKey, 'batch', signedBatch.core, signedBatch.sig)).toBe(true);
    expect(isSigned(key(1), 'block', block.signed.header, block.signed.sig)).toBe(true);
    expect(isSigned(key(2), 'vote', signedVote.core, signedVote.sig)).toBe(true);
    for (const [i, sig] of cert.sigs.entries())
      expect(isSigned(key(i), 'vote', cert.core, sig)).toBe(true);
    expect(isSigned(key(0), 'motion', bytesNamed('motion'), motion.slice(-64))).toBe(true);
    const joiner = bytesNamed('ready').slice(-32);
    expect(isSigned(joiner, 'ready', bytesNamed('ready'), ready.slice(-64))).toBe(true);
    expect(isSigned(key(0), 'batch', signedBatch.core, signedBatch.sig)).toBe(false);
  });
});

it('every kind of message has its example', () => {
  const kindsOf = (form: ReturnType<typeof formOf>): readonly string[] =>
    form.kind === 'union' ? form.arms.map(({ name }) => name) : [];
  const kinds = (messages: readonly { readonly kind: string }[]): readonly string[] =>
    messages.map(({ kind }) => kind);
  expect(kinds(peerMessages())).toEqual(kindsOf(formOf(peerMessageShape)));
  expect(kinds(clientMessages())).toEqual(kindsOf(formOf(clientMessageShapeOf(opaque))));
  expect(kinds(gatewayMessages())).toEqual(kindsOf(formOf(gatewayMessageShapeOf(opaque))));
});

it('every example reads as what it was made of', () => {
  for (const message of peerMessages()) {
    const bytes = encode(peerMessageShape, message);
    expect(decode(peerMessageShape, bytes, bytes.length)).toEqual({ ok: true, value: message });
  }
});
