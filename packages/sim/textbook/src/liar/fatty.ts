// The same liar among the replicas of Fatty.
import type { Op } from '@fatty/api';
import { fromUtf8, standIn, utf8 } from '@fatty/codec';
import type { CellContext, TraceEvent } from '@fatty/interface';
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import {
  bend,
  CALM_NETWORK,
  type Cell,
  type Insider,
  makeCell,
  Puppet,
  QUICK_DISK,
  QUICK_VERIFIER,
  SeededRng,
  SessionClient,
  type StagedMachines,
  smallWindows,
  stage,
  type Trick,
  type World,
  watch,
} from '@fatty/testnet';
import { BLUE, HONEST, isFooled, LIAR, type LiarShow, MEMBERS, RED } from './lie.ts';

const PATH = '/decision';
/** Sessions are open, and the cell rests. */
const ASK_MS = 1_000;
const END_MS = 2_500;
/** Longer than a word is under way, so that the liar hears of blue first, ms. */
const APART_MS = 20;

/** Whoever is first has it; the other one is told that it exists. */
const decide = (value: string): Op => ({
  kind: 'create',
  path: PATH,
  node: 'file',
  mode: 'guarded',
  ephemeral: false,
  exclusive: true,
  content: utf8(value),
});

/**
 * It behaves until both clients have trusted it with what they want. Then it signs two blocks for one slot, each
 * with the wish of one client, and shows each to its own half.
 */
function twoFaced({ isArmed, insider }: { isArmed: () => boolean; insider: Insider }): Trick {
  let isTold = false;
  return {
    craft(puppet, draft) {
      const honest = [{ bytes: draft.bytes, to: puppet.others }];
      if (isTold || !isArmed()) return honest;
      if (draft.body.batches.length === 0 || puppet.batches.length === 0) return undefined;
      isTold = true;
      insider.lied('equivocate');
      const other = bend(insider, draft, {}, { batches: puppet.batches.splice(0, 1) });
      return [
        { bytes: draft.bytes, to: puppet.others.filter((to) => !isFooled(to)) },
        { bytes: other, to: puppet.others.filter(isFooled) },
      ];
    },
  };
}

function insiderOf(cell: Cell, lied: () => void): Insider {
  const signer = cell.signers[LIAR];
  if (signer === undefined) throw new RangeError(`no member ${LIAR}`);
  return { index: LIAR, signer, cell, rng: new SeededRng(1), lied };
}

/** Every checker of the protocol is on: no rule may be broken. */
function staged(events: TraceEvent[]): { world: World; machines: StagedMachines } {
  const cell = makeCell(MEMBERS, standIn(), smallWindows(MEMBERS));
  let elapsedMs = (): number => 0;
  const insider = insiderOf(cell, () => {
    const label = `signs two blocks for one slot: ${BLUE} for r0 and r1, ${RED} for r2`;
    events.push({ atMs: elapsedMs(), who: `r${LIAR}`, kind: 'note', label });
  });
  const trick = twoFaced({ insider, isArmed: () => elapsedMs() >= ASK_MS });
  const made = stage({
    cell,
    seed: 1,
    liars: new Map(),
    programs: new Map([[LIAR, () => new Puppet(insider, trick)]]),
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    verifier: QUICK_VERIFIER,
    machine: (context: CellContext) => ({
      machine: new LockService({ cell: context, params: DEFAULT_PARAMS }),
    }),
    checkers: watch({ cell, liars: new Set([LIAR]), skewMsMax: 0 }).checkers,
    tracer: { trace: (event) => void events.push(event) },
  });
  elapsedMs = () => made.world.elapsedMs;
  return made;
}

/** The content of the file, as one replica has it. */
function beliefOf(service: LockService): string | undefined {
  const got = service.query({ kind: 'get', path: PATH });
  return got.kind === 'value' ? fromUtf8(got.siblings[0]?.content ?? new Uint8Array()) : undefined;
}

function convictedBy(service: LockService): readonly string[] {
  const got = service.query({ kind: 'members' });
  return got.kind === 'members' ? got.convicted.map((index) => `r${index}`) : [];
}

/** Fatty believes what a quorum has signed to have seen, and two signatures in one slot are proof of a lie. */
export function lieToFatty(): LiarShow {
  const events: TraceEvent[] = [];
  const { world, machines } = staged(events);
  world.start([]);
  const clients = [BLUE, RED].map((value, i) => {
    const client = new SessionClient(world, `c${i}`, LIAR, 30_000);
    world.after(ASK_MS + APART_MS * i, () =>
      client.plan(`create ${PATH}: ${value}`, () => [decide(value)]),
    );
    return client;
  });
  world.run(END_MS);
  const [broken] = world.violations;
  if (broken) throw new RangeError(`${broken.rule}: ${broken.expected}, got ${broken.actual}`);
  if (clients.some(({ settled }) => !settled)) throw new RangeError('a client has no answer');
  const services = HONEST.map((index) => machines.of(index)).filter(
    (machine) => machine instanceof LockService,
  );
  const convicted = services.map(convictedBy);
  return {
    protocol: 'fatty',
    lie: `it signs two blocks for one slot, and shows r0 and r1 the one with ${BLUE} and r2 the one with ${RED}`,
    beliefs: services.map((service, i) => ({ who: `r${HONEST[i]}`, value: beliefOf(service) })),
    convicted: (convicted[0] ?? []).filter((who) => convicted.every((all) => all.includes(who))),
    recording: { events, options: { fromMs: ASK_MS - 1, toMs: ASK_MS + 400, filter: isShown } },
  };
}

/** Clients, blocks with ops, what tells of the lie, and commits of ops. */
function isShown({ kind, label, who, peer, ops = [] }: TraceEvent): boolean {
  if (kind === 'deliver') return ops.length > 0;
  if (kind === 'commit') return ops.length > 0 || label.includes('convicts');
  if (who.startsWith('c') || peer?.startsWith('c') === true) return true;
  return ops.length > 0 || /twin|evidence|equivocation|signs two/u.test(label);
}
