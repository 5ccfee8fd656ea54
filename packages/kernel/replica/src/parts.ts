// The parts of a replica, and what each knows of the others.
import { type Accusation, type Block, Dag } from '@fatty/broadcast';
import type { StateMachine } from '@fatty/interface';
import { Orderer } from '@fatty/order';
import { faultsMax, quorum } from '@fatty/protocol';
import type { ReplicaConfig } from './boundary/config.ts';
import { COPYING } from './boundary/copying.ts';
import { Outbox, Timers } from './boundary/outbox.ts';
import { DEFAULT_TUNING, type Tuning } from './boundary/tuning.ts';
import { Bodies } from './catchup/bodies.ts';
import { Fetch } from './catchup/fetch.ts';
import { Neighbours } from './catchup/neighbours.ts';
import { Ranges } from './catchup/ranges.ts';
import { Serve } from './catchup/serve.ts';
import { Served } from './catchup/served.ts';
import { Sync } from './catchup/sync.ts';
import { OwnClock } from './cell/clock.ts';
import { Frontier } from './cell/frontier.ts';
import { Hearers } from './cell/hearers.ts';
import { Peers } from './cell/peers.ts';
import { blockRules } from './checks/rules.ts';
import { Verdicts } from './checks/verdicts.ts';
import { Delivered } from './clients/delivered.ts';
import { Gateway } from './clients/gateway.ts';
import { Pool } from './clients/pool.ts';
import { Statements } from './clients/statements.ts';
import { Chain } from './epochs/chain.ts';
import { Overtaken } from './epochs/overtaken.ts';
import { Removals } from './epochs/removals.ts';
import { Dossier } from './evidence/dossier.ts';
import { Departure } from './frames/departure.ts';
import { FrameServe } from './frames/frame-serve.ts';
import { FrameSync } from './frames/frame-sync.ts';
import { Frames } from './frames/frames.ts';
import { Keeper } from './frames/keeper.ts';
import { Proving } from './frames/proving.ts';
import type { ResumePort } from './frames/resume.ts';
import { Acceptance } from './intake/acceptance.ts';
import { Budgets } from './intake/budgets.ts';
import { Guests } from './intake/guests.ts';
import { Intake } from './intake/intake.ts';
import { Rounds } from './rounds/rounds.ts';
import { Persistence } from './signing/persistence.ts';
import { Restore } from './signing/restore.ts';
import { Standing } from './signing/standing.ts';
import type { CellPort } from './status.ts';

/** What one replica is put together of. */
export interface Parts {
  readonly acceptance: Acceptance;
  readonly bodies: Bodies;
  readonly budgets: Budgets;
  readonly cell: CellPort;
  readonly chain: Chain;
  readonly delivered: Delivered;
  readonly departure: Departure;
  readonly dossier: Dossier;
  readonly fetch: Fetch;
  readonly frames: Frames;
  readonly frameServe: FrameServe;
  readonly frameSync: FrameSync;
  readonly overtaken: Overtaken;
  readonly gateway: Gateway;
  readonly intake: Intake;
  readonly machine: StateMachine;
  readonly neighbours: Neighbours;
  readonly out: Outbox;
  readonly past: ResumePort;
  readonly persistence: Persistence;
  readonly pool: Pool;
  readonly proving: Proving;
  readonly ranges: Ranges;
  readonly removals: Removals;
  readonly restore: Restore;
  readonly rounds: Rounds;
  readonly serve: Serve;
  readonly standing: Standing;
  readonly statements: Statements;
  readonly sync: Sync;
  readonly timers: Timers;
  readonly verdicts: Verdicts;
}

/** Makes the parts. They know of one another no more than their ports say. */
export function assemble(config: ReplicaConfig): Parts {
  const { committee, cellId, me, machine, signer, scheme, links = [] } = config;
  const members = committee.members.length;
  const faults = faultsMax(committee);
  const { copying = COPYING } = config;
  const tuning: Tuning = { ...DEFAULT_TUNING, ...config.tuning };
  // What every role stands on.
  const dag = new Dag(committee, cellId, config.origin);
  const orderer = new Orderer(dag, committee);
  const out = new Outbox();
  const timers = new Timers(out);
  const clock = new OwnClock(members, faults, tuning.tsAheadMsMax / 2);
  // Some honest clock had come so far when the epoch before ended; all may have been set back since.
  if (committee.epoch > 0) clock.stamped(committee.genesisTs);
  const peers = new Peers(members, me, faults);
  const frontier = new Frontier(dag, committee);
  const cell = { cellId, clock, committee, dag, frontier, me, orderer, peers };
  const hearers = new Hearers(quorum(committee) - 1);
  const ground = { ...cell, hearers, machine, out, signer, timers, tuning };
  // What this replica has to say (R3, R11, R19, R21a).
  const statements = new Statements({ ...ground, scheme });
  const pool = new Pool({ ...ground, statements });
  const delivered = new Delivered(ground);
  // Static validity (R8–R11) and slow checks (R11a).
  const rules = blockRules(config, (id, sig) => pool.held(id, sig));
  const verdicts = new Verdicts(ground);
  // Catch-up (R12), and what it serves from memory.
  const ranges = new Ranges(members, out);
  const bodies = new Bodies(ground);
  const sync = new Sync({ ...ground, ranges });
  const fetch = new Fetch({ ...ground, sync });
  const waitingOf = (author: number): readonly Block[] =>
    acceptance.waiting.of(author).map(({ block }) => block);
  const epochOf = (peer: number): number => chain.epochOf(peer);
  const served = new Served(ground);
  const serve = new Serve({ ...ground, epochOf, served, waitingOf });
  // Persistence (R24, R25), and whether this replica may sign (R26).
  const persistence = new Persistence({ ...ground, bodies });
  const neighbours = new Neighbours({ ...ground, own: persistence, sync });
  const restore = new Restore({ ...ground, bodies, persistence, rules });
  const standing = new Standing({ ...ground, neighbours, persistence, ranges });
  // Evidence (R27b): who is convicted is shunned, and own blocks carry what they can of it.
  const onConvicted = (member: number, accusation: Accusation): void => {
    if (accusation.kind !== 'blocks') return;
    acceptance.shun(member);
    pool.accusations.add(member, accusation.evidence);
  };
  const dossier = new Dossier({ ...ground, rules, persistence, onConvicted });
  const removals = new Removals({ ...ground, dossier, statements });
  // Votes and certificates (R27), and the proofs that stand on them.
  const proving = new Proving(ground);
  const departure = new Departure(ground);
  const keeper = new Keeper({ ...ground, departure, links, persistence });
  const checkpoints = { dossier, links, persistence, proving, restore, scheme, standing };
  const frames = new Frames({ ...ground, ...checkpoints, copying, keeper, sync });
  // The chain of epochs (R31).
  const chain = new Chain({ ...ground, frames, links, scheme, sync });
  const overtaken = new Overtaken({ ...ground, chain, frames, sync });
  const frameServe = new FrameServe({ ...ground, keeper, served });
  const frameSync = new FrameSync({ ...ground, frames, keeper, scheme, sync });
  // What clients say (R11a), and own blocks (R22, R23).
  const gateway = new Gateway({ ...ground, pool, rules, standing, verdicts });
  const rounds = new Rounds({ ...ground, frames, gateway, pool, proving });
  // Acceptance (R12, R13), and what peers send.
  const budgets = new Budgets(ground);
  const acceptance = new Acceptance({ ...ground, budgets, fetch, rules, sync, verdicts });
  const before = { frames, links, persistence, restore, scheme };
  const past = { ...ground, ...before, acceptance, pool, rounds };
  const { handOver } = rounds;
  const toPeers = { chain, dossier, frames, neighbours, serve, standing, sync, handOver };
  const byFrame = { departure, frameServe, frameSync };
  const guests = new Guests({ ...ground, chain, frames, frameServe, standing, statements });
  const toOthers = { ...toPeers, ...byFrame, guests };
  const intake = new Intake({ ...ground, ...toOthers, acceptance, fetch, ranges });
  const catchUp = { ...byFrame, bodies, chain, fetch, neighbours, overtaken, ranges, serve, sync };
  const signing = { dossier, frames, past, persistence, proving, removals, restore, standing };
  const clients = { delivered, gateway, pool, statements };
  const blocks = { acceptance, budgets, intake, rounds, verdicts };
  return { cell, machine, out, timers, ...catchUp, ...signing, ...clients, ...blocks };
}
