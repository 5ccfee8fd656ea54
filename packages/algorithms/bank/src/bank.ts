// The AT2 bank: asset transfer that needs SecureBroadcast alone.
import {
  ACCEPT,
  array,
  decode,
  encode,
  equalBytes,
  fail,
  hash,
  invariant,
  ok,
  publicKey,
  record,
  reject,
  type Shape,
  toHex,
  u16,
  u53,
  u64,
} from '@fatty/codec';
import type {
  Algorithm,
  Digest,
  Outcome,
  Position,
  PublicKey,
  Source,
  Verdict,
} from '@fatty/interface';
import {
  compareTransferIds,
  DEPS_MAX,
  type RefusalCode,
  type Transfer,
  type TransferId,
  type TransferResult,
  transfer,
  transferResult,
} from './transfer.ts';

/** An account at genesis, named by its place in the list for ever: the member with this key owns it. */
export interface Genesis {
  readonly owner: PublicKey;
  readonly balance: bigint;
}

/** Money that came in and that no transfer of the receiver has named yet. */
interface Incoming extends TransferId {
  readonly amount: bigint;
}

interface Account {
  /** What the next transfer may spend without naming more incoming ones. */
  readonly spendable: bigint;
  /** Number of the next transfer. */
  readonly next: number;
  /** Ascending by (from, number). */
  readonly incoming: readonly Incoming[];
}

interface Entry {
  readonly from: number;
  readonly order: Transfer;
}

const SUPPLY_MAX = 2n ** 64n - 1n;
const OP_BYTES_MAX = 4096;
const COUNT_MAX = 2 ** 32 - 1;

const accounts: Shape<readonly Account[]> = array(
  record<Account>({
    spendable: u64,
    next: u53,
    incoming: array(record<Incoming>({ from: u16, number: u53, amount: u64 }), COUNT_MAX),
  }),
  0xffff,
);

const state = record<{ owners: readonly PublicKey[]; accounts: readonly Account[] }>({
  owners: array(publicKey, 0xffff),
  accounts,
});

/** @throws InvariantError when somebody owns two accounts */
function placesOf(owners: readonly PublicKey[]): ReadonlyMap<string, number> {
  const places = new Map(owners.map((owner, place) => [toHex(owner), place]));
  invariant(places.size === owners.length, 'nobody owns two accounts');
  return places;
}

/** The fewest incoming transfers that reach the amount, if {@link DEPS_MAX} of them do. */
function gather(
  { spendable, incoming }: Account,
  amount: bigint,
): { readonly deps: readonly TransferId[]; readonly funds: bigint } {
  const largest = [...incoming].sort((a, b) => {
    if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
    return compareTransferIds(a, b);
  });
  const deps: TransferId[] = [];
  let funds = spendable;
  for (const { from, number, amount: more } of largest) {
    if (funds >= amount || deps.length === DEPS_MAX) break;
    funds += more;
    deps.push({ from, number });
  }
  return { deps: deps.sort(compareTransferIds), funds };
}

/**
 * AT2 asset transfer (Collins et al., "Online payments by merely broadcasting messages", DSN 2020).
 * Every account has one owner, so its transfers come in one order and need no consensus: whether
 * one has the funds is a function of the owner's earlier transfers and of the incoming ones it
 * names. So all views that hold those agree, in whatever order the rest came. The genesis
 * balances are all the money there is.
 */
export class Bank implements Algorithm<Transfer> {
  /** Of the accounts, by place. */
  #owners: readonly PublicKey[];
  /** Place of an account by its owner's key, hex. */
  #places: ReadonlyMap<string, number>;
  #accounts: Account[];
  /** Delivered transfers whose number or dependencies are not due yet; never in committed state. */
  #held: Entry[] = [];

  /** @throws InvariantError when the balances do not fit a u64 together. */
  constructor(genesis: readonly Genesis[]) {
    const supply = genesis.reduce((sum, one) => sum + one.balance, 0n);
    const positive = genesis.every((one) => one.balance >= 0n);
    invariant(positive && supply <= SUPPLY_MAX, 'all money together fits a u64');
    this.#owners = genesis.map(({ owner }) => owner);
    this.#places = placesOf(this.#owners);
    this.#accounts = genesis.map((one) => ({ spendable: one.balance, next: 1, incoming: [] }));
  }

  /** Everything an account owns; 0 for a place that is none. */
  balance(owner: number): bigint {
    const account = this.#accounts[owner];
    if (account === undefined) return 0n;
    return account.incoming.reduce((sum, one) => sum + one.amount, account.spendable);
  }

  /**
   * The next transfer of an owner, naming the incoming money it needs, the largest first: a
   * transfer names at most {@link DEPS_MAX}, and dust must not stand before money. Ask the owner's
   * own delivered view, which knows its pending transfers. Codes: `no_account`, `zero_amount`,
   * `insufficient_funds`: `actual` is what one transfer can spend. An account that has more, in more
   * pieces, gathers it by a transfer to itself of that much.
   */
  draft(owner: number, to: number, amount: bigint): Outcome<Transfer> {
    const account = this.#accounts[owner];
    if (account === undefined) return fail('no_account', 'a committee index', String(owner));
    const order = { number: account.next, to, amount, deps: [] };
    const flaw = this.#flaw(owner, order);
    if (flaw.kind !== 'accept') return fail(flaw.code, flaw.expected, flaw.actual);
    const { deps, funds } = gather(account, amount);
    if (funds >= amount) return ok({ ...order, deps });
    return fail('insufficient_funds', `${amount}`, `${funds}`);
  }

  /** Codes: those of `decode`. */
  open(bytes: Uint8Array): Outcome<Transfer> {
    return decode(transfer, bytes, OP_BYTES_MAX);
  }

  /** Codes: `not_owner`, `no_account`, `zero_amount`, `bad_number`, `bad_deps`. */
  validate(source: Source, order: Transfer): Verdict {
    const place = this.#placeOf(source);
    // A gateway must not carry another's transfers: their order would not be the owner's (R15).
    if (place === undefined || !equalBytes(source.author, source.client)) {
      return reject('not_owner', 'a transfer in a block of its owner', 'another author');
    }
    return this.#flaw(place, order);
  }

  deliver(source: Source, order: Transfer): void {
    const from = this.#placeOf(source);
    if (from === undefined || this.validate(source, order).kind !== 'accept') return;
    this.#held.push({ from, order });
    for (let at = this.#firstDue(); at >= 0; at = this.#firstDue()) {
      for (const entry of this.#held.splice(at, 1)) this.#settle(entry);
    }
  }

  apply(source: Source, order: Transfer, _position: Position): Uint8Array {
    return encode(transferResult, this.#commit(source, order));
  }

  snapshot(): Uint8Array {
    return encode(state, { owners: this.#owners, accounts: this.#accounts });
  }

  /** The owners are those of the snapshot: the members of a cell may be others by then. */
  restore(bytes: Uint8Array): void {
    const read = decode(state, bytes, bytes.length);
    invariant(read.ok && read.value.owners.length === read.value.accounts.length, 'a bank');
    this.#owners = read.value.owners;
    this.#places = placesOf(this.#owners);
    this.#accounts = [...read.value.accounts];
    this.#held = [];
  }

  root(): Digest {
    return hash('bank', this.snapshot());
  }

  #commit(source: Source, order: Transfer): TransferResult {
    const from = this.#placeOf(source);
    if (from === undefined || this.validate(source, order).kind !== 'accept') {
      return { kind: 'refused', code: 'malformed' };
    }
    const entry: Entry = { from, order };
    if (order.number !== this.#account(entry.from).next) {
      return { kind: 'refused', code: 'bad_number' };
    }
    // Deps of an honest owner are in its block's cone, so they were committed before (R19).
    if (!this.#depsSettled(order)) return this.#refuse(entry, 'missing_dependency');
    return this.#settle(entry);
  }

  /** The account of the member whose block it is, wherever its committee has that member. */
  #placeOf({ author }: Source): number | undefined {
    return this.#places.get(toHex(author));
  }

  #flaw(from: number, { number, to, amount, deps }: Transfer): Verdict {
    if (number === 0) return reject('bad_number', 'numbers from 1', '0');
    if (to >= this.#places.size) return reject('no_account', 'a committee index', `${to}`);
    if (amount === 0n) return reject('zero_amount', 'at least 1', '0');
    for (const [i, dep] of deps.entries()) {
      const before = deps[i - 1];
      const rising = before === undefined || compareTransferIds(before, dep) < 0;
      if (!rising) return reject('bad_deps', 'ascending ids', 'another order');
      // Own transfers need no naming: their numbers order them.
      if (dep.from === from || dep.from >= this.#places.size || dep.number === 0) {
        return reject('bad_deps', 'transfers of others', `${dep.from}.${dep.number}`);
      }
    }
    return ACCEPT;
  }

  #account(owner: number): Account {
    const account = this.#accounts[owner];
    invariant(account !== undefined, 'validated transfers name accounts');
    return account;
  }

  #depsSettled(order: Transfer): boolean {
    return order.deps.every((dep) => dep.number < this.#account(dep.from).next);
  }

  /** A held transfer whose turn it is, or one whose number is spent (to be thrown away). */
  #firstDue(): number {
    return this.#held.findIndex(({ from, order }) => {
      const { next } = this.#account(from);
      return order.number < next || (order.number === next && this.#depsSettled(order));
    });
  }

  /** Moves the money, or refuses for good; either way the number is used up. */
  #settle(entry: Entry): TransferResult {
    const { from, order } = entry;
    const account = this.#account(from);
    if (order.number !== account.next) return { kind: 'refused', code: 'bad_number' };
    const claims = (one: Incoming): boolean =>
      order.deps.some((dep) => compareTransferIds(dep, one) === 0);
    const claimed = account.incoming.filter(claims).reduce((sum, one) => sum + one.amount, 0n);
    const funds = account.spendable + claimed;
    if (funds < order.amount) return this.#refuse(entry, 'insufficient_funds');
    const incoming = account.incoming.filter((one) => !claims(one));
    const kept = order.to === from ? funds : funds - order.amount;
    this.#accounts[from] = { spendable: kept, next: account.next + 1, incoming };
    if (order.to !== from) this.#credit(entry);
    return { kind: 'moved' };
  }

  #credit({ from, order }: Entry): void {
    const account = this.#account(order.to);
    const added: Incoming = { from, number: order.number, amount: order.amount };
    const incoming = [...account.incoming, added].sort(compareTransferIds);
    this.#accounts[order.to] = { ...account, incoming };
  }

  #refuse({ from }: Entry, code: RefusalCode): TransferResult {
    const account = this.#account(from);
    this.#accounts[from] = { ...account, next: account.next + 1 };
    return { kind: 'refused', code };
  }
}
