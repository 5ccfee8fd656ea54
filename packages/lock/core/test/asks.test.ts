// Questions whose answers prove themselves: whom they are put to, and what counts (R27a).
import { decodeClientMessage, encodeGatewayMessage, type GatewayMessage } from '@fatty/api';
import { fail, fromUtf8, ok, utf8 } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { beforeEach, expect, test } from 'vitest';
import { Asks } from '../src/asks.ts';
import { type CallOutcome, ClientCore, type ProofSaid } from '../src/index.ts';
import { FakeCell, scheme } from './fake-cell.ts';

const { cell } = new FakeCell(4);
const CERT = { core: utf8('core'), bitmap: Uint8Array.of(7), sigs: [] };

/** What is said proves the commit that it names, unless it is a lie. */
function check({ proof }: ProofSaid): Outcome<number> {
  const said = fromUtf8(proof) ?? '';
  return said === 'lie' ? fail('bad_proof', 'a proof', said) : ok(Number(said));
}

interface Question {
  readonly replica: number;
  readonly request: number;
  readonly minCommit: number;
}

let core: ClientCore;
let asked: Question[];
let suspects: string[];
let settled: CallOutcome[];
let atMs: number;

type Event = Parameters<ClientCore['step']>[0];
type Untimed<E> = E extends { readonly atMs: number } ? Omit<E, 'atMs'> : never;

function step(event: Untimed<Event>): void {
  for (const effect of core.step({ ...event, atMs } as Event)) {
    if (effect.kind === 'settled') settled.push(effect.outcome);
    if (effect.kind === 'suspect') suspects.push(`${effect.replica} ${effect.failure.code}`);
    if (effect.kind !== 'send') continue;
    const message = decodeClientMessage(effect.bytes, 1 << 20);
    if (message.ok && message.value.kind === 'prove') {
      const { request, minCommit } = message.value;
      asked.push({ replica: effect.replica, request, minCommit });
    }
  }
}

function hear(replica: number, message: GatewayMessage): void {
  step({ kind: 'message', replica, bytes: encodeGatewayMessage(message) });
}

const prove = ({ replica, request }: Question, said: string): void =>
  hear(replica, { kind: 'proved', request, cert: CERT, proof: utf8(said) });

const refuse = ({ replica, request }: Question, code: string): void =>
  hear(replica, { kind: 'error', request, failure: { code, expected: '', actual: '' } });

function ask(call: number, minCommit = 0): Question {
  step({ kind: 'call', call, request: { kind: 'prove', question: utf8('q'), minCommit, check } });
  return last();
}

function last(): Question {
  const question = asked.at(-1);
  if (question === undefined) throw new Error('nobody was asked');
  return question;
}

beforeEach(() => {
  core = new ClientCore({
    cell,
    scheme,
    signer: scheme.signer(new Uint8Array(32).fill(9)),
    seed: new Uint8Array(32).fill(1),
  });
  core.attach({ asks: (shared, freshRequest) => new Asks(shared, freshRequest) });
  [asked, suspects, settled, atMs] = [[], [], [], 1_000];
  step({ kind: 'start' });
  for (const replica of [0, 1, 2, 3]) step({ kind: 'linkUp', replica });
});

test('one replica is asked, and its proof is the answer', () => {
  const question = ask(1, 7);
  expect(asked).toHaveLength(1);
  expect(question.minCommit).toBe(7);
  prove(question, '9');
  expect(settled).toMatchObject([{ kind: 'proved', commit: 9, replica: question.replica }]);
  expect(asked).toHaveLength(1);
});

test('what proves nothing, or too little, is the next one’s to answer', () => {
  const first = ask(1, 7);
  prove(first, 'lie');
  const second = last();
  expect(second.replica).not.toBe(first.replica);
  prove(second, '6');
  const third = last();
  prove(third, '7');
  expect(settled).toMatchObject([{ kind: 'proved', commit: 7, replica: third.replica }]);
  expect(suspects).toEqual([`${first.replica} bad_proof`, `${second.replica} stale_answer`]);
  // It comes too late, and from somebody who was not asked.
  prove(first, '8');
  expect(settled).toHaveLength(1);
});

test('nothing older than what was proved before is taken', () => {
  prove(ask(1), '20');
  const question = ask(2, 7);
  expect(question.minCommit).toBe(20);
  prove(question, '19');
  expect(settled).toHaveLength(1);
});

test('a refusal for good counts when f + 1 give it; one that ends by itself asks the next', () => {
  const first = ask(1);
  refuse(first, 'not_provable');
  expect(settled).toEqual([]);
  refuse(last(), 'no_certificate');
  refuse(last(), 'not_provable');
  expect(settled).toMatchObject([{ kind: 'failed', failure: { code: 'not_provable' } }]);
  expect(new Set(asked.map(({ replica }) => replica)).size).toBe(3);
});

test('who takes its time, or is gone, is passed over; late answers count all the same', () => {
  const first = ask(1);
  atMs += 2_000;
  step({ kind: 'wake' });
  const second = last();
  expect(second.replica).not.toBe(first.replica);
  step({ kind: 'linkDown', replica: second.replica, refused: false, why: 'gone' });
  expect(asked).toHaveLength(2);
  prove(first, '3');
  expect(settled).toMatchObject([{ kind: 'proved', replica: first.replica }]);
});

test('when everybody has failed, all are asked anew after a pause', () => {
  ask(1);
  for (let i = 0; i < 4; i++) refuse(last(), 'slow_down');
  expect(asked).toHaveLength(4);
  atMs += 1_000;
  step({ kind: 'wake' });
  expect(asked).toHaveLength(5);
  prove(last(), '3');
  expect(settled).toMatchObject([{ kind: 'proved' }]);
});

test('whoever gives up hears nothing more', () => {
  const question = ask(1);
  step({ kind: 'abort', call: 1 });
  expect(settled).toMatchObject([
    { kind: 'failed', failure: { code: 'aborted' }, outcome: 'not_applied' },
  ]);
  prove(question, '3');
  expect(settled).toHaveLength(1);
  ask(2, -1);
  expect(settled.at(-1)).toMatchObject({ failure: { code: 'bad_argument' } });
});
