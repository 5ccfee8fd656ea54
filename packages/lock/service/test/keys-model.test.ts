// Keys against a naive book: who may write where goes by identity, whatever keys there were.
import { encodeOp, type Op } from '@fatty/api';
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ANYONE, code, key, setting } from './acl-world.ts';
import { Client, keyOf, op, type Sent, World } from './world.ts';

interface Act {
  readonly who: number;
  readonly kind: 'rotate' | 'revoke' | 'write' | 'old' | 'grant' | 'restart';
  readonly whom: number;
}
const act: fc.Arbitrary<Act> = fc.record({
  who: fc.nat(3),
  kind: fc.constantFrom('rotate', 'rotate', 'revoke', 'write', 'write', 'old', 'grant', 'restart'),
  whom: fc.nat(3),
});

class Book {
  readonly reached = new Map<string, number>();
  readonly #world = new World();
  readonly #clients = [0, 1, 2, 3].map((i) => new Client(10 + i));
  readonly #identities = this.#clients.map((one) => one.signer.publicKey);
  readonly #former: { readonly whose: number; readonly signer: Client['signer'] }[] = [];
  readonly #revoked = new Set<number>();
  #allowed = new Set([0]);
  #keys = 70;

  constructor() {
    const { 0: first } = this.#clients as [Client];
    this.#world.open(first, op.file('/f'));
    for (const one of this.#clients.slice(1)) this.#world.open(one);
    const own = [key(first)];
    this.#world.one(first, setting(this.#world, '/', { write: [ANYONE], change: own }));
    this.#world.one(first, setting(this.#world, '/f', { write: own, change: own }));
  }

  #note(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  #clientOf(who: number): Client {
    const client = this.#clients[who];
    if (client === undefined) throw new Error('a client');
    return client;
  }

  /** What an op of this client is refused with, whatever it asks for. */
  #check(who: number, one: Op, otherwise: unknown): void {
    const client = this.#clientOf(who);
    const before = client.seq;
    const answer = code(this.#world.one(client, one));
    if (this.#revoked.has(who)) {
      client.seq = before;
      this.#note('refused revoked');
      expect(answer).toBe('key_revoked');
    } else expect(answer).toBe(otherwise);
  }

  act({ who, kind, whom }: Act): void {
    const client = this.#clientOf(who);
    const write = op.write('/f', 'x', ...this.#seen());
    if (kind === 'restart') return this.#restart();
    if (kind === 'write') {
      this.#note(this.#allowed.has(who) ? 'written' : 'denied');
      return this.#check(who, write, this.#allowed.has(who) ? undefined : 'access_denied');
    }
    if (kind === 'old') return this.#tryFormer(whom, write);
    if (kind === 'grant') {
      const keys = [...new Set([0, whom])].map((i) => ({
        kind: 'key' as const,
        key: this.#identities[i] as never,
      }));
      const lists = setting(this.#world, '/f', { write: keys, change: [keys[0] as never] });
      this.#check(who, lists, who === 0 ? undefined : 'access_denied');
      if (who === 0) this.#allowed = new Set([0, whom]);
      return;
    }
    if (kind === 'rotate') {
      const to = keyOf(this.#keys++);
      this.#check(who, client.rotation(to), undefined);
      if (this.#revoked.has(who)) return;
      this.#note('rotated');
      this.#former.push({ whose: who, signer: client.signer });
      client.signer = to;
      return;
    }
    const expected = this.#ofRevocation(who, whom);
    this.#check(who, { kind: 'revokeKey', key: this.#clientOf(whom).signer.publicKey }, expected);
    if (expected === undefined && !this.#revoked.has(who)) {
      this.#note('revoked');
      this.#revoked.add(whom);
    }
  }

  /** What a revocation is refused with: client 0 is alone in the change list of `/`. */
  #ofRevocation(who: number, whom: number): string | undefined {
    if (who !== 0 && who !== whom) return 'access_denied';
    if (this.#revoked.has(whom)) return 'key_revoked';
    return whom === 0 ? 'still_administrator' : undefined;
  }

  #seen(): Extract<Op, { kind: 'write' }>['observed'] {
    const got = this.#world.ask({ kind: 'get', path: '/f' });
    return got.kind === 'value' ? got.siblings.map(({ dot }) => dot) : [];
  }

  /** Signed by a key that another one has followed: in its old session, and in one of its own. */
  #tryFormer(whom: number, write: Op): void {
    for (const { whose, signer } of this.#former.filter(({ whose: one }) => one === whom)) {
      const client = this.#clientOf(whose);
      const batch: Sent = {
        ...client.raw([encodeOp(write)], client.seq),
        client: signer.publicKey,
      };
      expect(this.#world.run(batch)).toMatchObject([{ code: 'key_rotated' }]);
      expect(this.#world.service.mayHear('/f', signer.publicKey)).toBe(true);
      this.#note('former');
    }
  }

  #restart(): void {
    const copy = this.#world.service.fresh();
    copy.restore(this.#world.service.snapshot());
    expect(toHex(copy.root())).toBe(toHex(this.#world.service.root()));
    this.#world.service = copy;
    this.#note('restarted');
  }
}

test('whatever is rotated and revoked, the lists let in exactly those whom a naive book lets in', () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(act, { minLength: 10, maxLength: 40 }), (acts) => {
      const book = new Book();
      for (const one of acts) book.act(one);
      for (const [what, times] of book.reached) reached.set(what, (reached.get(what) ?? 0) + times);
    }),
    { numRuns: 40 },
  );
  for (const what of [
    'rotated',
    'revoked',
    'refused revoked',
    'written',
    'denied',
    'former',
    'restarted',
  ]) {
    expect([what, (reached.get(what) ?? 0) > 20]).toEqual([what, true]);
  }
});
