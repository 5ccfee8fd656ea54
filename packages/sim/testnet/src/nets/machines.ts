// The net of machines and their inboxes.
import { encodeOp, type Op, type Result } from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import { toHex } from '@fatty/codec';
import type { PublicKey, Verdict } from '@fatty/interface';
import { DEFAULT_QUOTAS, LockService } from '@fatty/service';
import { MachineChecker, type MachineSeen } from '../checkers/machines.ts';
import type { LeaseFixture } from '../staging/scenarios.ts';
import { readService } from '../staging/service.ts';
import { SessionClient } from '../staging/session.ts';
import type { Client } from '../world/client.ts';
import { IdealProver, type Proven } from '../world/ideal-prover.ts';
import type { Checker, Violation } from '../world/observation.ts';
import type { World } from '../world/world.ts';
import { declare, OPEN, PATHS, PERIOD_MS, REAL, WINDOW } from './declared.ts';
import {
  INBOX_LIES,
  type InboxLie,
  type Intake,
  lieAboutInbox,
  lookAtInboxes,
  posting,
  takeIn,
} from './inboxes.ts';
import { MACHINES_WANTS } from './machines-wants.ts';
import { type Act, type Net, type Scene, say } from './net.ts';
import type { PlannedOp } from './plan.ts';

type ProofOp = Extract<Op, { kind: 'takeMachine' | 'renewMachine' }>;

const KINDS = 12;
/** Small enough that floods meet both bounds. */
const QUOTAS = { ...DEFAULT_QUOTAS, inboxEntriesMax: 12, inboxEntriesPerClientMax: 6 };
/** Of a thousand proofs so many take in what waits; the others leave it. */
const CARE = 700;
/** How often inboxes are looked at, ms. */
const LOOK_MS = 100;
/** Of a thousand lessees so many go on working after an answer. */
const DILIGENCE = 750;

let real: LeaseFixture | undefined;

/** Installs real proofs: worlds with real signatures then have a machine that runs on them. */
export function useRealProofs(fixture: LeaseFixture): void {
  real = fixture;
}

/** The machines' work: any function that is not the identity. */
const workOf = (s: bigint, t: bigint): bigint => (s * 31n + t) % 2n ** 60n;

/** What a thief has heard on the wire. */
interface Overheard {
  readonly op: ProofOp;
  readonly from: SessionClient;
}

class MachinesAct implements Act {
  readonly #prover: IdealProver = new IdealProver();
  #count: (what: string) => void = () => undefined;
  readonly #checker: MachineChecker = new MachineChecker(this.#prover, (what) => this.#count(what));
  readonly #workers: SessionClient[] = [];
  readonly #heard: Overheard[] = [];
  #thief: SessionClient | undefined;
  #fixture: LeaseFixture | undefined;
  readonly #judged = new Map<string, Verdict>();
  #scene: Scene | undefined;
  /** Whether each machine was seen to be neglected when it was last looked at. */
  readonly #shown = new Map<string, boolean>();

  readonly checkers = (): readonly Checker[] => [this.#checker];
  /** An entry that nobody takes in keeps the world going until it shows as neglected. */
  readonly waiting = (): readonly string[] => [
    ...this.#workers.filter((one) => !one.settled).map((one) => one.name),
    ...PATHS.filter((path) => this.#waits(path) && !this.#neglected(path)),
  ];
  readonly thief = ({ world }: Scene): Client => this.#thiefOf(world).client;

  /** A stand-in proof is looked up; a real one goes to the real verifier, once per job. */
  readonly verdictOf = (job: Uint8Array): Verdict => {
    const ideal = this.#prover.verdictOf(job);
    const fixture = this.#fixture;
    if (ideal.kind === 'accept' || fixture === undefined) return ideal;
    const key = toHex(job);
    const verdict = this.#judged.get(key) ?? fixture.verdictOf(job);
    this.#judged.set(key, verdict);
    this.#count(`realVerdict.${verdict.kind}`);
    return verdict;
  };

  #thiefOf(world: World): SessionClient {
    this.#thief ??= new SessionClient(world, 'c99', 0, 60_000);
    return this.#thief;
  }

  prepare(scene: Scene): void {
    const { world, plan, clients } = scene;
    this.#scene = scene;
    this.#count = (what) => void world.count(what);
    this.#fixture = plan.signatures ? real : undefined;
    for (let i = 0; i < plan.clients; i++) {
      this.#workers.push(new SessionClient(world, `c${i}`, i % plan.replicas, 60_000));
    }
    clients.push(...this.#workers.map((one) => one.client));
    this.#workers[0]?.send(PATHS.map((path) => declare(path, this.#prover.programId, 0n, 1n)));
    if (this.#fixture !== undefined) this.#realWork(scene, this.#fixture);
    this.#look(scene);
  }

  #look(scene: Scene): void {
    scene.world.report(lookAtInboxes(scene, this.#checker));
    for (const path of PATHS) {
      const before = this.#shown.get(path) ?? false;
      const now = this.#neglected(path);
      if (before !== now) this.#count(now ? 'neglect.shows' : 'neglect.vanishes');
      this.#shown.set(path, now);
    }
    scene.world.after(LOOK_MS, () => this.#look(scene));
  }

  #waits(path: string): boolean {
    const { pending = [] } = this.#checker.machines.get(path)?.inbox ?? {};
    return pending.length > 0;
  }

  #neglected(path: string): boolean {
    return this.#checker.shows(path)?.endsWith('never') === false;
  }

  /** One worker shows the recorded proofs, one a second; the thief tries each of them as well. */
  #realWork({ world }: Scene, { programId, t, s, proofs }: LeaseFixture): void {
    const worker = this.#workers[0];
    worker?.send([declare(REAL, programId, t, s)]);
    for (const [i, envelope] of proofs.entries()) {
      world.after(600 + 1000 * i, () => {
        const held = this.#checker.machines.get(REAL)?.lessee !== undefined;
        const kind = held ? 'renewMachine' : 'takeMachine';
        const op: ProofOp = { kind, path: REAL, ...OPEN, proofs: [envelope] };
        if (worker !== undefined) this.#show(world, worker, op);
        const bent = envelope.slice();
        const at = bent.length - 1 - world.rng.below(20_000);
        bent[at] = (bent[at] ?? 0) ^ 1;
        this.#copy(world, 'realBent', () => ({ ...op, proofs: [bent] }));
        this.#copy(world, 'real', () => op);
      });
    }
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const worker = this.#workers[client];
    if (worker === undefined) return;
    world.count('ops');
    const path = PATHS[arg % PATHS.length] ?? PATHS[0];
    if (what < 4) this.#work(world, worker, path, 1 + (arg % 2));
    else if (what === 4) worker.send([{ kind: 'releaseMachine', path }]);
    else if (what === 5) this.#idle(worker);
    else if (what < 8) this.#post(world, worker, path, arg);
    else if (what === 8) this.#lieAboutInbox(worker, path, arg);
    else this.#steal(world, arg);
  }

  /** Takes a free machine, renews an own one; a proof is made when its turn comes. */
  #work(world: World, worker: SessionClient, path: string, steps: number): void {
    const own = toHex(worker.client.signer.publicKey);
    const machine = this.#checker.machines.get(path);
    if (machine === undefined) return;
    const make = (): readonly Op[] => {
      const ops = this.#proofOp(worker, path, steps);
      for (const op of ops) this.#hear(world, worker, op);
      return ops;
    };
    const answered = (result: Result): void => {
      if (result.kind === 'error') this.#count(`outrun.${result.code}`);
      if (result.kind !== 'machineHeld' || !world.rng.chance(DILIGENCE)) return;
      world.after(PERIOD_MS / 3, () => this.#work(world, worker, path, 1));
    };
    worker.plan(`${machine.lessee === own ? 'renew' : 'take'} ${path}`, make, {
      answered,
      refused: (code) => this.#count(`outrun.${code}`),
    });
  }

  #post(world: World, worker: SessionClient, path: string, arg: number): void {
    const some = Array.from({ length: 1 + (arg % 3) }, () => posting(path, world.rng));
    worker.send(some);
  }

  /** Floods and entries of 0, by the thief; proofs that show what is not next, by a worker. */
  #lieAboutInbox(worker: SessionClient, path: string, arg: number): void {
    const scene = this.#scene;
    if (scene === undefined || !this.#checker.machines.has(path)) return;
    const { world } = scene;
    const thief = this.#thiefOf(world);
    const posts = Array.from({ length: 9 }, () => posting(path, world.rng));
    if (arg % 4 === 0) return this.#attempt(thief, 'flood', () => posts);
    if (arg % 4 === 1) {
      return this.#attempt(thief, 'zero', () => [{ kind: 'post', path, entry: 0n }]);
    }
    const lie = INBOX_LIES[arg % INBOX_LIES.length] ?? 'skip';
    this.#count(`inboxLie.${lie}`);
    const lying = (): readonly Op[] => this.#proofOp(worker, path, 1, lie);
    this.#attempt(worker, lie, lying);
  }

  /** Thieves listen: some copy at once, while the original is still on its way. */
  #hear(world: World, from: SessionClient, op: ProofOp): void {
    this.#heard.push({ op, from });
    if (world.rng.chance(200)) this.#steal(world, 2 * world.rng.below(99));
  }

  #show(world: World, worker: SessionClient, op: ProofOp): void {
    for (const envelope of op.proofs) this.#prover.adopt(envelope);
    this.#hear(world, worker, op);
    const refused = (code: string): void => this.#count(`refused.${code}`);
    worker.plan(`${op.kind} ${op.path}`, () => [op], { refused });
  }

  /** A take or renewal as the machine stands now; nothing while nobody has declared it. */
  #proofOp(worker: SessionClient, path: string, steps: number, lie?: InboxLie): readonly ProofOp[] {
    const machine = this.#checker.machines.get(path);
    if (machine === undefined) return [];
    const own = toHex(worker.client.signer.publicKey);
    const kind = machine.lessee === own ? 'renewMachine' : 'takeMachine';
    return [{ kind, path, ...this.#proofs(worker.client, path, machine, steps, lie) }];
  }

  /** Consecutive proofs from the machine's present state, bound to this client where it has to be. */
  #proofs(
    { signer }: Client,
    path: string,
    machine: MachineSeen,
    steps: number,
    lie: InboxLie | undefined,
  ): Pick<ProofOp, 'nonce' | 'outputs' | 'inbox' | 'proofs'> {
    const bound = machine.binding === 'lessee';
    const binding = bound ? this.#bindingOf(path, signer.publicKey, machine) : 0n;
    const proofs: Uint8Array[] = [];
    let { t, s } = machine;
    let intake: Intake = {
      chain: machine.inbox?.chain ?? 0n,
      pending: machine.inbox?.pending ?? [],
    };
    for (let i = 0; i < steps; i++) {
      const to = { tTo: t + 1n, sTo: workOf(s, t) };
      const whose = { path, lessee: signer.publicKey, nonce: machine.nonce };
      const { cells, left } = takeIn(intake, this.#appetite(), WINDOW);
      const extra = lie && machine.inbox ? lieAboutInbox(lie, machine.inbox) : cells;
      const proven: Proven = { bound: bound ? whose : undefined, tFrom: t, sFrom: s, ...to, extra };
      proofs.push(this.#prover.prove(binding, proven));
      t = to.tTo;
      s = to.sTo;
      intake = left;
    }
    return { ...OPEN, inbox: WINDOW, nonce: bound ? machine.nonce : undefined, proofs };
  }

  /** How many entries a worker means to take in: mostly as many as fit. */
  #appetite(): number {
    const rng = this.#scene?.world.rng;
    return rng === undefined || rng.chance(CARE) ? WINDOW : 0;
  }

  #bindingOf(path: string, lessee: PublicKey, { nonce }: MachineSeen): bigint {
    const cellId = this.#scene?.cell.cellId;
    return cellId === undefined ? 0n : bindingCell(cellId, path, lessee, nonce);
  }

  /** A worker that shows its last proof once more instead of working. */
  #idle(worker: SessionClient): void {
    const last = this.#heard.findLast(({ from }) => from === worker)?.op;
    if (last === undefined) return;
    this.#count('copy.own');
    this.#attempt(worker, 'own', () => [{ ...last, kind: 'renewMachine' }]);
  }

  #steal(world: World, arg: number): void {
    const heard = this.#heard.at(arg % 2 === 0 ? -1 : arg % Math.max(1, this.#heard.length));
    if (heard === undefined) return;
    const { op, from } = heard;
    const other = PATHS[(PATHS.indexOf(op.path as (typeof PATHS)[number]) + 1) % PATHS.length];
    switch (arg % 6) {
      case 0:
        return this.#copy(world, 'same', () => op);
      case 1:
        return this.#copy(world, 'taken', () => ({ ...op, kind: 'takeMachine' }));
      case 2:
        return this.#copy(world, 'elsewhere', () => ({ ...op, path: other ?? '/open' }));
      case 3:
        return this.#copy(world, 'renonced', () => ({
          ...op,
          nonce: this.#checker.machines.get(op.path)?.nonce,
        }));
      case 4:
        return this.#copy(world, 'rebound', () => this.#rebound(world, op));
      default:
        return this.#resend(world, from);
    }
  }

  /** The stolen statement with the thief's own binding cell, and nothing that proves it. */
  #rebound(world: World, op: ProofOp): ProofOp {
    const machine = this.#checker.machines.get(op.path);
    const proven = this.#prover.provenBy(op.proofs[0] ?? new Uint8Array());
    if (machine === undefined || proven === undefined) return op;
    const { publicKey } = this.#thiefOf(world).client.signer;
    const binding = this.#bindingOf(op.path, publicKey, machine);
    const nonce = machine.binding === 'lessee' ? machine.nonce : undefined;
    return { ...op, nonce, proofs: [this.#prover.forge(binding, proven)] };
  }

  #copy(world: World, how: string, make: () => ProofOp): void {
    this.#count(`copy.${how}`);
    this.#attempt(this.#thiefOf(world), how, () => [make()]);
  }

  /** Sends a copy; counts with which code it is refused, by gateways or by the commit. */
  #attempt(who: SessionClient, how: string, make: () => readonly Op[]): void {
    const refused = (code: string): void => this.#count(`copyRefused.${code}`);
    who.plan(`${how}`, make, {
      refused,
      answered: (result) => {
        if (result.kind === 'error') refused(result.code);
        else this.#count(`copyTook.${how}`);
      },
    });
  }

  /** The victim's own bytes, signature and all, through another gateway, later. */
  #resend(world: World, { client }: SessionClient): void {
    const bytes = client.sent.at(world.rng.below(client.sent.length));
    this.#count('copy.bytes');
    if (bytes !== undefined) {
      world.submit('c99', world.rng.below(world.hosts.length), bytes, 'copied bytes');
    }
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return [world.rng.chance(300) ? world.rng.bytes(20) : encodeOp(posting('/open', world.rng))];
  }

  /** Every honest replica has the machines where the proofs led them. */
  finish(scene: Scene): readonly Violation[] {
    const { world, machines } = scene;
    world.report(lookAtInboxes(scene, this.#checker));
    return world.hosts.flatMap(({ index }) => {
      const service = machines.of(index);
      if (!world.follows(index) || !(service instanceof LockService)) return [];
      return [...this.#checker.machines].flatMap(([path, { t, s, nonce }]) => {
        const answer = service.query({ kind: 'machine', path });
        const stands = answer.kind === 'machine' && answer.t === t && answer.s === s;
        if (stands && answer.nonce.commit === nonce.commit) return [];
        return [say(world, 'S21', `r${index}: ${path} at ${t}`, answer.kind)];
      });
    });
  }
}

/** Leases by proof, with thieves: a copied proof moves no machine and extends nobody's lease. */
export const machinesNet: Net = {
  name: 'machines',
  size: {
    replicas: [4],
    clients: 3,
    opsMin: 16,
    opsMax: 48,
    busyMs: 6e3,
    faultsMax: 3,
    realSignaturesOneIn: 5,
    kinds: KINDS,
    favours: ['badSignature', 'wrongTime', 'fork', 'twins'],
  },
  machine: (cell) => ({ machine: new LockService({ cell, quotas: QUOTAS }) }),
  read: readService,
  act: () => new MachinesAct(),
  wants: MACHINES_WANTS,
};
