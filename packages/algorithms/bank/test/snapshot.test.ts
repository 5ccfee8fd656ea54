// Tests of the bank's snapshot.
import { asPublicKey, asSessionId, decode } from '@fatty/codec';
import { expect, it } from 'vitest';
import { hashByHand, pin, pinned } from '../../../kernel/codec/test/by-hand.ts';
import { reference } from '../../../kernel/codec/test/reference.ts';
import { Bank, type Transfer, transferResult } from '../src/index.ts';

const golden = new URL('./golden/', import.meta.url);
const owner = (n: number) => asPublicKey(new Uint8Array(32).fill(n + 1));
const WEALTH = 2n ** 40n;
const newBank = (): Bank =>
  new Bank([WEALTH, 500n, 0n].map((balance, n) => ({ owner: owner(n), balance })));

function move(bank: Bank, from: number, order: Transfer): string {
  const session = asSessionId(new Uint8Array(32).fill(from));
  const place = { client: owner(from), session, seq: 0, index: 0, author: owner(from) };
  const source = { ...place, basis: { epoch: 0, commit: 0 } };
  const bytes = bank.apply(source, order, { commit: 1, index: 0 });
  const result = decode(transferResult, bytes, 100);
  if (!result.ok) return result.failure.code;
  return result.value.kind === 'moved' ? 'moved' : result.value.code;
}

/** Money moved, claimed, left unclaimed, and one transfer refused, which uses its number up. */
function busyBank(): Bank {
  const bank = newBank();
  const said = [
    move(bank, 0, { number: 1, to: 2, amount: 300n, deps: [] }),
    move(bank, 1, { number: 1, to: 2, amount: 70n, deps: [] }),
    move(bank, 0, { number: 2, to: 2, amount: 2n ** 33n, deps: [] }),
    move(bank, 2, { number: 1, to: 1, amount: 301n, deps: [{ from: 0, number: 1 }] }),
    move(bank, 2, { number: 2, to: 1, amount: 250n, deps: [{ from: 0, number: 1 }] }),
  ];
  expect(said).toEqual(['moved', 'moved', 'moved', 'insufficient_funds', 'moved']);
  return bank;
}

it('a snapshot and its root keep their bytes: owners, and (spendable, next number, unclaimed) by account', () => {
  const bank = busyBank();
  const accounts = [
    [WEALTH - 300n - 2n ** 33n, 3, []],
    [430, 2, [[2, 2, 250]]],
    // 300 were claimed for the transfer of 250; the refused one claimed nothing.
    [
      50,
      3,
      [
        [0, 2, 2n ** 33n],
        [1, 1, 70],
      ],
    ],
  ];
  const byHand = reference([[0, 1, 2].map((n) => new Uint8Array(32).fill(n + 1)), accounts]);
  pin(golden, 'snapshot', bank.snapshot());
  pin(golden, 'root', bank.root());
  expect(bank.snapshot()).toEqual(byHand);
  expect(bank.root()).toEqual(hashByHand('bank', byHand));
});

it('a stored snapshot is read back and goes on alike', () => {
  const [bank, copy] = [busyBank(), newBank()];
  copy.restore(pinned(golden, 'snapshot'));
  expect([0, 1, 2].map((n) => copy.balance(n))).toEqual([0, 1, 2].map((n) => bank.balance(n)));
  for (const one of [bank, copy]) {
    const deps = [{ from: 2, number: 2 }];
    expect(move(one, 1, { number: 2, to: 0, amount: 600n, deps })).toBe('moved');
  }
  expect(copy.root()).toEqual(bank.root());
});

it('a bank takes the accounts of a snapshot, whoever its own members are', () => {
  const bank = busyBank();
  const other = new Bank([{ owner: owner(9), balance: 1n }]);
  other.restore(bank.snapshot());
  expect(other.root()).toEqual(bank.root());
  expect(move(other, 1, { number: 2, to: 0, amount: 1n, deps: [] })).toBe('moved');
});
