// What a replica process hosts: the lock service, or an algorithm that a module names.
import {
  type Answer,
  answerShape,
  type ErrorCode,
  type ErrorResult,
  errorResult,
  type Query,
  queryShape,
} from '@fatty/api';
import { fail, ok } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Served } from '@fatty/host';
import type { CellContext, Failure, Outcome, PublicKey, StateMachine } from '@fatty/interface';
import type { Cell, Committee, StateView } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { Hosted, hosted } from '@fatty/sessions';
import { loadAlgorithm } from './algorithm.ts';
import { lockServed } from './lock-served.ts';

/** What a replica process hosts, and how it is asked. */
export interface Hosting {
  /** Without a past, for the core of a replica that begins in the epoch of this committee. */
  fresh(committee: Committee): StateMachine;
  /**
   * As a gateway serves it. `shown`: the machine that shows a view now, always one made here or a view of one;
   * `committee`: of now.
   */
  served(
    shown: (view: StateView) => StateMachine,
    committee: () => Committee,
  ): Served<Query, Answer>;
  /** Open sessions of a machine made here. */
  sessions(machine: StateMachine): number;
}

/**
 * `path`: the module of an algorithm; empty: the lock service. Code `other_algorithm` when cell.json names
 * another one than this, besides those of {@link loadAlgorithm}. `founding`: the state that the cell begins with.
 */
export async function hostingOf(
  cell: Cell,
  path: string,
  founding?: Uint8Array,
): Promise<Outcome<Hosting>> {
  const hosting = await ofNothing(cell, path);
  if (!hosting.ok || founding === undefined) return hosting;
  const { fresh } = hosting.value;
  return ok({
    ...hosting.value,
    fresh: (committee) => {
      const machine = fresh(committee);
      machine.restore(founding);
      return machine;
    },
  });
}

async function ofNothing(cell: Cell, path: string): Promise<Outcome<Hosting>> {
  const contextOf = ({ epoch, members }: Committee): CellContext => {
    return { cellId: cell.cellId, epoch, members };
  };
  if (path === '') {
    if (cell.algorithm === undefined) return ok(lockHosting(contextOf, cell.admin));
    return fail('other_algorithm', `--algorithm with ${cell.algorithm}, as cell.json says`, 'none');
  }
  const algorithm = await loadAlgorithm(path, contextOf(cell.committee));
  if (!algorithm.ok) return algorithm;
  const { name, make } = algorithm.value;
  if (cell.algorithm !== name) {
    return fail(
      'other_algorithm',
      `${cell.algorithm ?? 'the lock service'}, as cell.json says`,
      name,
    );
  }
  const fresh = (committee: Committee): Hosted => {
    const { basisCommitsMax } = committee.params;
    return hosted(make, contextOf(committee), { basisCommitsMax });
  };
  return ok(ownHosting(fresh));
}

function lockHosting(
  contextOf: (committee: Committee) => CellContext,
  admin: PublicKey | undefined,
): Hosting {
  return {
    fresh(committee) {
      const { params } = committee;
      const cell = contextOf(committee);
      return new LockService({ cell, params, scheme: nodeScheme(), ...(admin && { admin }) });
    },
    served: lockServed,
    sessions(machine) {
      const status = machine instanceof LockService ? machine.query({ kind: 'status' }) : undefined;
      return status?.kind === 'status' ? status.sessions : 0;
    },
  };
}

function ownHosting(fresh: (committee: Committee) => Hosted): Hosting {
  return {
    fresh,
    served(shown, committee) {
      const hosted = (view: StateView): Hosted => {
        const machine = shown(view);
        const asked = machine instanceof Hosted ? machine : shown('committed');
        if (asked instanceof Hosted) return asked;
        throw new TypeError('this gateway serves a hosted algorithm');
      };
      return {
        query: queryShape,
        answer: answerShape,
        ask: (query, view) => answerOf(hosted(view), query, committee()),
        refuseProof: () => undefined,
        entriesOf: () => 0,
        hasSession: (client) => hosted('committed').hasSession(client),
        receiptOf: (batch) => hosted('committed').receiptOf(batch),
        get unsigned() {
          return hosted('committed').unsigned;
        },
      };
    },
    sessions: (machine) => (machine instanceof Hosted ? machine.sessionCount : 0),
  };
}

/** A hosted algorithm answers what is about the cell and its sessions, and questions of its own. */
function answerOf(machine: Hosted, query: Query, { epoch, members, params }: Committee): Answer {
  switch (query.kind) {
    case 'own': {
      const reply = machine.query(query.question);
      return reply.ok ? { kind: 'own', answer: reply.value } : refused(reply.failure);
    }
    case 'session': {
      const session = machine.sessionOf(query.id);
      if (session === undefined) return errorResult('session_unknown', 'a live session', 'none');
      const { client, lastSeq, leaseMs, expiry: leaseExpiry, i } = session;
      const empty = { lastNumber: 0, holds: [], waits: [], ephemerals: [] };
      return { kind: 'session', client, lastSeq, leaseMs, leaseExpiry, i, ...empty };
    }
    case 'members':
      return { kind: 'members', epoch, members, params, convicted: [] };
    case 'status': {
      const nothing = { nodes: 0, holds: 0, waits: 0, machines: 0 };
      return { kind: 'status', ...machine.head, sessions: machine.sessionCount, ...nothing };
    }
    case 'acl':
    case 'contents':
    case 'get':
    case 'job':
    case 'key':
    case 'jobs':
    case 'list':
    case 'lock':
    case 'machine':
    case 'stat':
      return errorResult('other_algorithm', 'a question to the hosted algorithm', query.kind);
  }
}

function refused({ code, expected, actual }: Failure): ErrorResult {
  return errorResult(code as ErrorCode, expected, actual);
}
