// What the page shows, kept fresh: signals, and the loops that fill them.
import type { EventBody } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Believed } from '../model/believed.ts';
import { vouched } from '../model/believed.ts';
import { eventWords } from '../model/events.ts';
import type { ClockSeen } from '../model/lease.ts';
import {
  changesOf,
  type MemberSeen,
  type OwnWord,
  type ReplicaRow,
  replicaRows,
  sizesOf,
} from '../model/replicas.ts';
import { type RoundsSeen, readRounds } from '../model/rounds.ts';
import { type AnswerOf, LinkedCell, readCell } from './cell.ts';
import { Names } from './names.ts';
import { Nodes } from './nodes.ts';

/** Between two looks at the replicas, ms. */
const LOOK_MS = 1_000;
/** Bars run down in steps of this, ms. */
const TICK_MS = 500;
/** Events that are shown. */
const EVENTS_MAX = 200;
/** Before a cell that could not be read is tried again, ms. */
const RETRY_MS = 1_000;

/** Something that happened, as it is shown. */
export interface EventSeen {
  readonly number: number;
  readonly path: string;
  readonly words: string;
  readonly commit: number;
}

/** Evidence as the replica that serves the page shows it. */
export interface EvidenceSeen {
  readonly epoch: number;
  /** Of that epoch. */
  readonly member: number;
  /** What contradicts itself: blocks or votes. */
  readonly by: string;
  readonly bytes: number;
}

/** What the replica that serves the page says of itself. */
export interface ServerSeen {
  readonly replica: number;
  readonly state: string;
  readonly round: number;
  readonly resting: boolean;
  readonly evidence: readonly EvidenceSeen[];
}

/** What the cell says of its members. */
export type MembersSeen = AnswerOf<'members'>;

/** Everything that the page shows. One for each page. */
export class Console {
  /** Why there is nothing to show yet; undefined: there is. */
  readonly waiting: Signal<string | undefined> = signal('reading cell.json');
  readonly cellId: Signal<string> = signal('');
  readonly epoch: Signal<number> = signal(0);
  /** A member is where this page may not go: it has to be loaded again. */
  readonly moved: Signal<boolean> = signal(false);
  readonly rows: Signal<readonly ReplicaRow[]> = signal([]);
  readonly members: Signal<Believed<MembersSeen> | undefined> = signal(undefined);
  readonly clock: Signal<ClockSeen | undefined> = signal(undefined);
  readonly nowMs: Signal<number> = signal(performance.now());
  readonly rounds: Signal<RoundsSeen | undefined> = signal(undefined);
  /** Undefined: it does not answer. */
  readonly server: Signal<ServerSeen | undefined> = signal(undefined);
  readonly events: Signal<readonly EventSeen[]> = signal([]);
  /** The newest change, for who cannot see it. */
  readonly said: Signal<string> = signal('');
  readonly names: Names = new Names();
  readonly nodes: Nodes = new Nodes();
  readonly counts: ReadonlySignal<OwnWord | undefined> = computed(() => countsOf(this.rows.value));
  #linked: LinkedCell | undefined;
  #number = 0;

  /** Never ends, and never throws. */
  async run(): Promise<void> {
    setInterval(() => {
      this.nowMs.value = performance.now();
    }, TICK_MS);
    const linked = await this.#link();
    await Promise.all([
      this.#watch(linked),
      whileSeen(() => this.#look(linked)),
      // A walk may take long: who is down is not to wait for it.
      whileSeen(() => this.nodes.refresh(linked, this.clock.value?.leaseClock ?? 0)),
    ]);
  }

  async #link(): Promise<LinkedCell> {
    for (;;) {
      const cell = await readCell();
      if (cell.ok) {
        this.cellId.value = toHex(cell.value.cellId);
        this.#linked = new LinkedCell(cell.value, () => this.#show());
        this.names.begin(this.#linked);
        this.waiting.value = undefined;
        return this.#linked;
      }
      this.waiting.value = `${cell.failure.code}: ${cell.failure.actual}`;
      await sleep(RETRY_MS);
    }
  }

  /** All that can be seen at once. */
  async #look(linked: LinkedCell): Promise<void> {
    this.epoch.value = linked.epoch;
    await Promise.all([
      this.#lookAtReplicas(linked),
      linked.ask({ kind: 'members' }, 'members').then(
        (found) => {
          this.members.value = found;
        },
        () => undefined,
      ),
      this.#lookAtServer(),
    ]);
  }

  readonly #own = new Map<string, OwnWord>();

  async #lookAtReplicas(linked: LinkedCell): Promise<void> {
    const asked = linked.members.map(async (member) => {
      const own = await linked.askOne(member, { kind: 'status' }, 'status');
      if (own === undefined) this.#own.delete(member);
      else this.#own.set(member, own);
    });
    await Promise.all(asked);
    this.#show();
    const clocks = linked.members.map((member) => this.#own.get(member)?.leaseClock);
    const leaseClock = vouched(clocks, sizesOf(linked.members.length).f);
    const before = this.clock.value;
    // A clock that stands still is no reason to begin the second anew.
    if (leaseClock !== undefined && leaseClock !== before?.leaseClock)
      this.clock.value = { leaseClock, atMs: performance.now() };
  }

  #show(): void {
    const linked = this.#linked;
    if (linked === undefined) return;
    const seen = linked.members.map((key, index): MemberSeen => {
      const link = linked.linkOf(key);
      return {
        index,
        key,
        client: linked.clientOf(key),
        link,
        own: link.kind === 'up' ? this.#own.get(key) : undefined,
        convicted: this.members.value?.value.convicted.includes(index) ?? false,
      };
    });
    const rows = replicaRows(seen);
    const news = changesOf(this.rows.value, rows);
    this.rows.value = rows;
    this.moved.value = linked.hasMoved;
    if (news.length > 0) this.said.value = news.join(' ');
  }

  async #lookAtServer(): Promise<void> {
    const [status, rounds] = await Promise.all([fetchJson('../status'), fetchJson('../rounds')]);
    this.server.value = serverOf(status);
    this.rounds.value = readRounds(rounds) ?? this.rounds.value;
  }

  /** What happened before a watch began is seen by a walk, which comes behind its beginning. */
  async #watch(linked: LinkedCell): Promise<void> {
    for (;;) {
      try {
        const watch = linked.watch();
        await watch.started;
        this.nodes.watched(watch.position?.commit ?? 0);
        for await (const event of watch) {
          if ('position' in event) this.#happened(event, event.position.commit);
          else this.nodes.watched(event.next.commit);
        }
      } catch {
        // Nothing is lost but time: the next watch begins with a look at everything.
      }
      await sleep(RETRY_MS);
    }
  }

  #happened(event: EventBody, commit: number): void {
    const seen = { number: ++this.#number, path: event.path, words: eventWords(event), commit };
    this.events.value = [seen, ...this.events.value].slice(0, EVENTS_MAX);
    if (event.kind === 'lockAcquired' || event.kind === 'lockLost')
      this.said.value = `${event.path}: ${seen.words}.`;
    this.names.happened(event, commit);
    this.nodes.happened(event, commit);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Again and again, while somebody looks at the page. `act` never rejects. */
async function whileSeen(act: () => Promise<void>): Promise<never> {
  for (;;) {
    if (document.visibilityState === 'visible') await act();
    await sleep(LOOK_MS);
  }
}

/** What the replica that is furthest says, as a picture of the whole. */
function countsOf(rows: readonly ReplicaRow[]): OwnWord | undefined {
  const said = rows.filter(({ standing }) => standing === 'up').map(({ own }) => own);
  return said.reduce(
    (best, own) => ((own?.commit ?? 0) > (best?.commit ?? 0) ? own : best),
    said[0],
  );
}

/** Undefined: no answer, or none that is JSON. */
async function fetchJson(path: string): Promise<unknown> {
  try {
    const answer = await fetch(path, {
      cache: 'no-store',
      signal: AbortSignal.timeout(RETRY_MS * 3),
    });
    return await answer.json();
  } catch {
    return undefined;
  }
}

function serverOf(status: unknown): ServerSeen | undefined {
  if (typeof status !== 'object' || status === null) return undefined;
  const { replica, state, round, resting, evidence } = status as Readonly<Record<string, unknown>>;
  const shown = Array.isArray(evidence) ? evidence : [];
  return {
    replica: Number(replica),
    state: String(state),
    round: Number(round),
    resting: resting === true,
    evidence: shown.flatMap((one: Readonly<Record<string, unknown>> | null): EvidenceSeen[] => {
      if (typeof one?.evidence !== 'string') return [];
      const [epoch, member] = [Number(one.epoch), Number(one.member)];
      return [{ epoch, member, by: String(one.by), bytes: one.evidence.length / 2 }];
    }),
  };
}
