// A room: processes of one protocol in virtual time, over the simulator's links, disks and faults.
import { decode } from '@fatty/codec';
import type { TraceEvent, Tracer } from '@fatty/interface';
import {
  Clockwork,
  CommonInjector,
  Disk,
  type DiskOptions,
  type Fault,
  Network,
  type NetworkOptions,
  type Packet,
  SeededRng,
  type Violation,
} from '@fatty/testnet';
import { named, type Protocol } from '../program/program.ts';
import type { Judge, MakeJudge } from './judge.ts';
import { Machine, type Surroundings } from './machine.ts';

const BYTES_MAX = 1 << 20;

/** What a room is made of. */
export interface RoomOptions<M, S> {
  readonly seed: number;
  readonly processes: number;
  readonly protocol: Protocol<M, S>;
  /** Processes that run something else than the protocol; nobody judges what they report or have on disk. */
  readonly liars?: ReadonlyMap<number, Protocol<M, S>>;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly judge: MakeJudge<M, S>;
  readonly tracer?: Tracer;
}

/** Somebody who waits for a process to report a decision. */
type Listener = (process: number, slot: number, value: string) => void;

type Extra = Omit<Partial<TraceEvent>, 'atMs' | 'who' | 'kind' | 'label'>;

/** One world of one protocol. Same options, same run. */
export class Room<M, S> extends Clockwork {
  readonly network: Network;
  readonly machines: readonly Machine<M, S>[];
  readonly rng: SeededRng;
  readonly #options: RoomOptions<M, S>;
  readonly #judge: Judge<M, S>;
  readonly #listeners: Listener[] = [];
  /** By process: what its present life has reported. */
  readonly #decided: Map<number, string>[];

  constructor(options: RoomOptions<M, S>) {
    super(0);
    this.#options = options;
    this.rng = new SeededRng(options.seed);
    const { processes } = options;
    this.network = new Network(processes, options.network, this.rng.fork(), {
      nowMs: () => this.nowMs,
      after: (ms, run) => this.after(ms, run),
      sent: (packet) => this.#packet('send', packet),
      arrive: (packet) => this.#arrive(packet),
      dropped: (packet, why) => {
        this.count(`dropped.${why}`);
        this.#packet('drop', packet, why);
      },
      linkChanged: () => undefined,
    });
    this.#decided = Array.from({ length: processes }, () => new Map<number, string>());
    this.#judge = options.judge(
      (wrong, process) => this.accuse(wrong, process),
      (what, by) => void this.count(what, by),
      processes,
    );
    this.machines = Array.from({ length: processes }, (_, index) => this.#makeMachine(index));
  }

  start(faults: readonly Fault[]): void {
    this.network.resetLinks();
    for (const machine of this.machines) machine.start();
    const injector = new CommonInjector({
      network: this.network,
      after: (ms, run) => this.after(ms, run),
      count: (what, by) => void this.count(what, by),
      note: (process, text) => this.tell('note', `r${process}`, text),
      crash: (process, power) => this.#crash(process, power),
      restart: (process) => this.#restart(process),
      pause: (process) => this.#machine(process).pause(),
      goOn: (process) => this.#machine(process).goOn(),
    });
    for (const fault of faults) this.after(fault.atMs, () => injector.inject(fault));
  }

  /** A client's wish comes to a process; false when that is down. */
  ask(process: number, value: string): boolean {
    const machine = this.#machine(process);
    if (!machine.isUp) return false;
    this.#judge.asked?.(value);
    machine.ask(value);
    return true;
  }

  /** Decisions that the present life of a process has reported, by slot. */
  decidedAt(process: number): ReadonlyMap<number, string> {
    return this.#decided[process] ?? new Map();
  }

  onDecided(listener: Listener): void {
    this.#listeners.push(listener);
  }

  tell(kind: TraceEvent['kind'], who: string, label: string, extra: Extra = {}): void {
    this.#options.tracer?.trace({ atMs: this.elapsedMs, who, kind, label, ...extra });
  }

  accuse(wrong: Pick<Violation, 'rule' | 'expected' | 'actual'>, process: number): void {
    this.violations.push({ ...wrong, atMs: this.nowMs, replica: process });
    this.mark(wrong, process);
  }

  /** Shows in charts that a rule does not hold; the run goes on. */
  mark(wrong: Pick<Violation, 'rule' | 'expected' | 'actual'>, process: number): void {
    const where = process < 0 ? '' : ` at r${process}`;
    const label = `${wrong.rule}${where}: expected ${wrong.expected}, got ${wrong.actual}`;
    this.tell('broken', `r${Math.max(0, process)}`, label);
  }

  #isLiar(process: number): boolean {
    return this.#options.liars?.has(process) === true;
  }

  #machine(index: number): Machine<M, S> {
    const machine = this.machines[index];
    if (machine === undefined) throw new RangeError(`no process ${index}`);
    return machine;
  }

  #makeMachine(index: number): Machine<M, S> {
    const { processes, disk, liars, protocol } = this.#options;
    const around: Surroundings<S> = {
      after: (ms, run) => this.after(ms, run),
      send: (from, to, bytes) => this.#send(from, to, bytes),
      saved: (process, state) => {
        if (!this.#isLiar(process)) this.#judge.saved?.(process, state);
      },
      decided: (process, slot, value) => this.#report(process, slot, value),
      note: (process, what, words) => {
        this.count(what);
        this.tell('note', `r${process}`, words);
      },
    };
    return new Machine(index, processes, liars?.get(index) ?? protocol, {
      disk: new Disk(disk, this.rng.fork(), (ms, run) => this.after(ms, run)),
      rng: this.rng.fork(),
      around,
    });
  }

  #send(from: number, to: number, bytes: Uint8Array): void {
    const message = decode(this.#options.protocol.message, bytes, BYTES_MAX);
    if (message.ok) this.#judge.sent?.(from, to, message.value);
    this.network.send(from, to, bytes);
  }

  #arrive(packet: Packet): void {
    this.count('packets');
    this.#packet('receive', packet);
    this.#machine(packet.to).hear(packet.from, packet.bytes);
  }

  #report(process: number, slot: number, value: string): void {
    const { name, isSingle } = this.#options.protocol;
    const where = isSingle ? ', chosen' : ` in slot ${slot}`;
    const ops = value === '' ? [] : [{ client: clientOf(value), kind: name }];
    this.tell('commit', `r${process}`, named(value) + where, { ops });
    if (this.#isLiar(process)) return;
    this.count('decisions');
    this.#decided[process]?.set(slot, value);
    this.#judge.decided?.(process, slot, value);
    for (const listener of this.#listeners) listener(process, slot, value);
  }

  #crash(process: number, power: boolean): void {
    const machine = this.#machine(process);
    if (!machine.isUp) {
      // The power goes where no process runs: what nobody has synced goes with it.
      if (power) this.count('lostWrites', machine.disk.crash(true));
      return;
    }
    const lost = machine.crash(power);
    this.count('crashes');
    this.count('lostWrites', lost);
    this.#decided[process]?.clear();
    this.tell('crash', `r${process}`, power ? `power lost, ${lost} writes gone` : 'killed');
    this.network.died(process);
  }

  #restart(process: number): void {
    const machine = this.#machine(process);
    if (machine.isUp) return;
    this.count('restarts');
    this.tell('restart', `r${process}`, 'starts again from its disk');
    machine.start();
    this.network.revived(process);
  }

  #packet(kind: 'send' | 'receive' | 'drop', packet: Packet, why = ''): void {
    if (this.#options.tracer === undefined) return;
    const { protocol } = this.#options;
    const message = decode(protocol.message, packet.bytes, BYTES_MAX);
    if (!message.ok) return;
    const here = kind === 'receive' ? packet.to : packet.from;
    const there = kind === 'receive' ? packet.from : packet.to;
    const words = protocol.words(message.value);
    const values = protocol.values(message.value).filter((value) => value !== '');
    this.tell(kind, `r${here}`, why === '' ? words : `${words}: ${why}`, {
      peer: `r${there}`,
      packet: packet.id,
      ops: values.map((value) => ({ client: clientOf(value), kind: protocol.name })),
    });
  }
}

/** Lifeline of the client whose value it is: they begin with its name. */
function clientOf(value: string): string {
  return value.split('-')[0] ?? value;
}
