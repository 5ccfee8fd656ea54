// The net of the AT2 bank.
import { Bank, type Transfer, transfer, transferResult } from '@fatty/bank';
import { decode, encode, toHex } from '@fatty/codec';
import type { OrderedBatch, Receipt } from '@fatty/interface';
import { signedBatchShape } from '@fatty/protocol';
import { effects } from '../checkers/index.ts';
import { staged } from '../staging/staged.ts';
import type { Cell } from '../world/cell.ts';
import { Client } from '../world/client.ts';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { type Act, type Net, type Scene, say } from './net.ts';
import type { PlannedOp } from './plan.ts';

const START = 1000n;
const U64_MAX = 2n ** 64n - 1n;

type Say = (rule: string, expected: string, actual: string) => void;

/** Accounts as a bookkeeper with one column per owner sees them: no dependencies, no views. */
class Books implements Checker {
  readonly rules: readonly string[] = ['no double spend', 'no minting', 'no overdraft'];
  readonly balances: bigint[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #numbers = new Set<string>();
  readonly #count: (what: string) => void;
  #index = 0;

  constructor(cell: Cell, count: (what: string) => void) {
    this.balances = cell.signers.map(() => START);
    this.#places = new Map(cell.signers.map(({ publicKey }, place) => [toHex(publicKey), place]));
    this.#count = count;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    const { atMs, by } = observation;
    const out: Violation[] = [];
    const note: Say = (rule, expected, actual) =>
      void out.push({ rule, expected, actual, atMs, replica: by });
    for (const { batch, receipt } of effects(observation)) this.#batch(batch, receipt, note);
    const total = this.balances.reduce((sum, balance) => sum + balance, 0n);
    const all = START * BigInt(this.balances.length);
    if (total !== all) note('no minting', `${all}`, `${total}`);
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #batch(batch: OrderedBatch, receipt: Receipt, note: Say): void {
    for (const [i, bytes] of batch.ops.entries()) {
      const order = decode(transfer, bytes, bytes.length);
      const answer = receipt.results[i] ?? new Uint8Array();
      const result = decode(transferResult, answer, answer.length);
      if (!result.ok) return note('readable result', 'a result', result.failure.code);
      this.#count(result.value.kind === 'moved' ? 'moved' : `refused.${result.value.code}`);
      const from = this.#places.get(toHex(batch.author)) ?? -1;
      if (order.ok && result.value.kind === 'moved') this.#move(from, order.value, note);
    }
  }

  #move(from: number, { number, to, amount }: Transfer, note: Say): void {
    const name = `${from}.${number}`;
    if (this.#numbers.has(name)) note('no double spend', `transfer ${name} once`, 'twice');
    this.#numbers.add(name);
    const left = (this.balances[from] ?? 0n) - amount;
    if (left < 0n) note('no overdraft', `${amount} on the account of r${from}`, `${left}`);
    this.balances[from] = left;
    this.balances[to] = (this.balances[to] ?? 0n) + amount;
  }
}

class BankAct implements Act {
  #owners: readonly Client[] = [];
  #count: (what: string) => void = () => undefined;
  #books: Books | undefined;

  checkers(cell: Cell): readonly Checker[] {
    this.#books = new Books(cell, (what) => this.#count(what));
    return [this.#books];
  }

  prepare({ world, cell, clients }: Scene): void {
    this.#count = (what) => void world.count(what);
    this.#owners = cell.signers.map(
      (signer, i) => new Client(world, `c${i}`, i, { signer, faithful: true }),
    );
    clients.push(...this.#owners.filter((_, i) => world.honest(i)));
  }

  perform(scene: Scene, { client, what, arg }: PlannedOp): void {
    const { world, machines } = scene;
    const from = client % this.#owners.length;
    const owner = this.#owners[from];
    const to = arg % this.#owners.length;
    if (owner === undefined) return;
    world.count('ops');
    if (!world.honest(from)) return this.#doubleSpend(scene, owner, from, arg);
    owner.send(`transfer r${from} to r${to}`, () => {
      const bank = machines.algorithm(from);
      if (!(bank instanceof Bank)) return [encode(transfer, hostile(arg))];
      // Twice the same, everything at once, more than there is.
      const balance = bank.balance(from);
      const amount = what < 3 ? BigInt(1 + (arg % 50)) : what < 5 ? balance : balance + 1n;
      const order = bank.draft(from, to, amount);
      if (order.ok) return [encode(transfer, order.value)];
      world.count(`draft.${order.failure.code}`);
      return [encode(transfer, { number: 1, to, amount: 1n, deps: [] })];
    });
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return [encode(transfer, hostile(world.rng.below(1000)))];
  }

  /** Two transfers of everything with one number, for its own gateway to spread. */
  #doubleSpend({ world, machines }: Scene, owner: Client, from: number, arg: number): void {
    const honest = world.hosts.find((host) => world.honest(host.index))?.index ?? 0;
    const bank = machines.algorithm(honest);
    if (!(bank instanceof Bank)) return;
    const others = this.#owners.map((_, i) => i).filter((i) => i !== from);
    for (const to of [others[arg % others.length], others[(arg + 1) % others.length]]) {
      const order = bank.draft(from, to ?? 0, bank.balance(from));
      if (!order.ok) return;
      const batch = owner.sign([encode(transfer, order.value)]);
      world.submit(owner.name, from, encode(signedBatchShape, batch), `double spend to r${to}`);
    }
    owner.bump();
    world.count('doubleSpends');
  }

  finish({ world, machines }: Scene): readonly Violation[] {
    const books = this.#books;
    if (books === undefined) return [];
    return world.hosts.flatMap(({ index }) => {
      const bank = machines.algorithm(index);
      if (!world.follows(index) || !(bank instanceof Bank)) return [];
      const told = books.balances.map((_, owner) => bank.balance(owner)).join(' ');
      const want = books.balances.join(' ');
      return told === want ? [] : [say(world, 'no minting', want, `r${index}: ${told}`)];
    });
  }
}

/** Transfers no honest owner makes. */
function hostile(arg: number): Transfer {
  const amounts = [0n, 1n, U64_MAX, START];
  return {
    number: arg % 3,
    to: arg % 7,
    amount: amounts[arg % amounts.length] ?? 0n,
    deps: arg % 5 === 0 ? [{ from: arg % 9, number: arg % 4 }] : [],
  };
}

/** Asset transfer by broadcast: owners are replicas, liars among them spend twice. */
export const bankNet: Net = {
  name: 'bank',
  size: {
    replicas: [4, 4, 7],
    clients: 7,
    opsMin: 6,
    opsMax: 40,
    busyMs: 4e3,
    faultsMax: 3,
    realSignaturesOneIn: 8,
    kinds: 6,
    favours: ['equivocate', 'fork', 'twins', 'mutate'],
  },
  machine: (context) =>
    staged(({ members }) => new Bank(members.map((owner) => ({ owner, balance: START }))), context),
  act: () => new BankAct(),
  wants: {
    lies: 100,
    clientLies: 10,
    'lie.equivocate': 1,
    'lie.fork': 1,
    'lie.twins': 1,
    'lie.mutate': 1,
    twinsRefused: 1,
    'clientLie.forged': 1,
    'clientLie.copied': 1,
    'fault.crash': 2,
    'fault.partition': 2,
    'fault.lossy': 2,
    'fault.oneWay': 1,
    'fault.reopen': 1,
    'fault.slow': 1,
    'fault.pause': 1,
    'fault.slowDisk': 1,
    'fault.fullQueues': 1,
    'aim.leaders': 1,
    'aim.one': 1,
    'aim.each': 1,
    heardLate: 10,
    viewsCompared: 200,
    viewsPermuted: 50,
    'note.convicted': 4,
    statementsTried: 1000,
    runsWithLiars: 4,
    crashes: 2,
    commits: 500,
    restores: 100,
    restoredCommits: 500,
    deliveries: 2000,
    moved: 50,
    doubleSpends: 8,
    convicted: 20,
    'draft.insufficient_funds': 5,
  },
};
