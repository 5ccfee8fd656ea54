// Tests of copies of a batch (R19).
import { encodeOp, type Result } from '@fatty/api';
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_QUOTAS, LockService } from '../src/index.ts';
import { CELL, Client, keyOf, member, type Outcome, op, type Sent, World } from './world.ts';

const word = (result: Result | undefined): string =>
  result?.kind === 'error' ? result.code : (result?.kind ?? 'nothing');
const from = (author: number, batch: Sent): Sent => ({ ...batch, author: member(author) });
const told = ({ raw, results }: Outcome): string[] =>
  raw.receipts.map(({ seq }, i) => `${seq} ${word(results[i]?.[0])}`);
const settles = ({ raw }: Outcome, { id }: Sent): boolean =>
  raw.settled.some((one) => toHex(one) === toHex(id));

/** A cell of four whose gateway 0 has opened its share. */
function fullAt0(): World {
  const members = Array.from({ length: 4 }, (_, i) => keyOf(100 + i).publicKey);
  const world = new World();
  const quotas = { ...DEFAULT_QUOTAS, sessionsMax: 4 };
  world.service = new LockService({ cell: { cellId: CELL, epoch: 0, members }, quotas });
  world.run(from(0, new Client(50).open()));
  return world;
}

test('a copy that is refused for its author does not shadow the one that is not', () => {
  const world = fullAt0();
  const opening = new Client(1).open();
  const both = world.step(0, [from(0, opening), from(3, opening)]);
  expect(told(both)).toEqual(['0 sessionOpened']);
  expect(settles(both, opening)).toBe(true);
});

test('nor when it comes in an earlier commit: it is told, and not final', () => {
  const world = fullAt0();
  const opening = new Client(1).open();
  const first = world.step(0, [from(0, opening), from(0, opening)]);
  expect(told(first)).toEqual(['0 gateway_full']);
  expect(settles(first, opening)).toBe(false);
  const second = world.step(0, [from(3, opening), from(0, opening)]);
  expect(told(second)).toEqual(['0 sessionOpened']);
  expect(settles(second, opening)).toBe(true);
});

test('a copy out of turn does not shadow the one in turn, and each batch is told once', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a);
  const [one, two, three] = [1, 2, 3].map((n) => a.batch(op.dir(`/${n}`)));
  if (!one || !two || !three) throw new Error('batches');
  const all = world.step(0, [three, two, one, three, two, two, three, one]);
  expect(told(all)).toEqual(['1 created', '2 created', '3 created']);
  expect([one, two, three].every((batch) => settles(all, batch))).toBe(true);
  const again = world.step(0, [three, three]);
  expect(told(again)).toEqual(['3 created']);
  expect(settles(again, three)).toBe(true);
});

test('what waits for its predecessor, or for its opening, is not settled and not told', () => {
  const world = new World();
  const a = new Client(1);
  const [opening, one, two] = [a.open(), a.batch(op.dir('/1')), a.batch(op.dir('/2'))];
  const early = world.step(0, [two, opening]);
  expect(told(early)).toEqual(['0 sessionOpened']);
  expect(settles(early, two)).toBe(false);
  const gap = world.step(0, [two]);
  expect([told(gap), settles(gap, two)]).toEqual([[], false]);
  expect(told(world.step(0, [two, one, two]))).toEqual(['1 created', '2 created']);
});

test('a refusal is final where no author, order or commit could cure it', () => {
  const world = new World({ sessionsPerClientMax: 1 }, { basisCommitsMax: 10 });
  const [a, b, thief] = [new Client(1), new Client(2), new Client(3)];
  const final = (batch: Sent, want: string): boolean => {
    const outcome = world.step(0, [batch, batch]);
    expect(told(outcome)).toEqual([want]);
    return settles(outcome, batch);
  };
  const unopened = b.raw([encodeOp(op.dir('/x'))], 1);
  expect(final(unopened, '1 session_unknown')).toBe(false);
  const opening = a.open();
  world.run(opening);
  expect(final(new Client(1, 1).open(), '0 too_many_sessions')).toBe(false);
  expect(final(new Client(4, 0, { basis: 999 }).open(), '0 future_basis')).toBe(false);
  const stolen = { ...a.raw([encodeOp(op.dir('/x'))], 1), client: thief.signer.publicKey };
  expect(final(stolen, '1 session_not_yours')).toBe(true);
  expect(final(b.raw([encodeOp(op.dir('/x'))], 0), '0 session_unknown')).toBe(true);
  world.one(a, { kind: 'closeSession' });
  expect(final(opening, '0 session_reused')).toBe(true);
  expect(final(a.batch(op.dir('/x')), '2 session_unknown')).toBe(true);
  while (world.commit < 12) world.step(0);
  expect(final(opening, '0 stale_basis')).toBe(true);
});

test('a batch that closes its session, and its copies, are one', () => {
  const world = new World();
  const a = new Client(1);
  const batch = a.open({ kind: 'closeSession' });
  expect(told(world.step(0, [batch, batch, batch]))).toEqual(['0 sessionOpened']);
});

/** Copies of two clients' batches in any order: `[client, seq, author]`. */
const copies = fc.array(fc.tuple(fc.nat(1), fc.nat(4), fc.nat(3)), { minLength: 6, maxLength: 24 });

test('any copies in any order do what the ones in turn alone do', () => {
  let shadowed = 0;
  fc.assert(
    fc.property(fc.array(copies, { minLength: 1, maxLength: 4 }), (commits) => {
      const [one, two] = [new World(), new World()];
      const sent = [1, 2].map((key) => {
        const client = new Client(key);
        client.seq = 1;
        const rest = [1, 2, 3, 4].map((n) => client.batch(op.file(`/${key}${n}`, `${n}`)));
        return [client.raw([encodeOp(client.opening())], 0), ...rest];
      });
      const due = [0, 0];
      for (const commit of commits) {
        const all = commit.map(([who, seq, author]) => {
          return { who, seq, batch: from(author, sent[who]?.[seq] as Sent) };
        });
        const early = new Set<Sent['id']>();
        const counting = all.filter(({ who, seq, batch }) => {
          if (seq > (due[who] ?? 0)) early.add(batch.id);
          if (seq !== due[who]) return false;
          due[who] = seq + 1;
          if (early.has(batch.id)) shadowed++;
          return true;
        });
        const whole = one.step(
          50,
          all.map(({ batch }) => batch),
        );
        const alone = two.step(
          50,
          counting.map(({ batch }) => batch),
        );
        const fresh = whole.raw.receipts.filter((receipt) =>
          counting.some(({ batch }) => batch.id === receipt.batch),
        );
        expect(fresh).toEqual(alone.raw.receipts);
        expect(one.service.root()).toEqual(two.service.root());
        const ids = whole.raw.receipts.map(({ batch }) => toHex(batch));
        expect(new Set(ids).size).toBe(ids.length);
        for (const { who, seq, batch } of all) {
          expect(settles(whole, batch)).toBe(seq < (due[who] ?? 0));
        }
      }
    }),
    { numRuns: 150 },
  );
  expect(shadowed).toBeGreaterThan(100);
});
