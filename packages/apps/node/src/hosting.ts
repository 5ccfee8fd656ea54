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
import type { Served } from '@fatty/host';
import type { CellContext, Failure, Outcome, StateMachine } from '@fatty/interface';
import type { Cell, CellParams, StateView } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { Hosted, hosted } from '@fatty/sessions';
import { loadAlgorithm } from './algorithm.ts';
import { lockServed } from './lock-served.ts';

/** What a replica process hosts, and how it is asked. */
export interface Hosting {
  readonly machine: StateMachine;
  /** As a gateway serves it; `delivered`: the machine that shows the delivered view. */
  served(delivered: () => StateMachine): Served<Query, Answer>;
  /** Open sessions. */
  sessions(): number;
}

/**
 * `path`: the module of an algorithm; empty: the lock service. Code `other_algorithm` when cell.json names
 * another one than this, besides those of {@link loadAlgorithm}.
 */
export async function hostingOf(cell: Cell, path: string): Promise<Outcome<Hosting>> {
  const { cellId, committee } = cell;
  const { epoch, members, params } = committee;
  const context: CellContext = { cellId, epoch, members };
  if (path === '') {
    if (cell.algorithm === undefined) return ok(lockHosting(context, params));
    return fail('other_algorithm', `--algorithm with ${cell.algorithm}, as cell.json says`, 'none');
  }
  const algorithm = await loadAlgorithm(path, context);
  if (!algorithm.ok) return algorithm;
  const { name, make } = algorithm.value;
  if (cell.algorithm !== name) {
    return fail(
      'other_algorithm',
      `${cell.algorithm ?? 'the lock service'}, as cell.json says`,
      name,
    );
  }
  const { basisCommitsMax } = params;
  return ok(ownHosting(hosted(make, context, { basisCommitsMax }), context, params));
}

function lockHosting(cell: CellContext, params: CellParams): Hosting {
  const machine = new LockService({ cell, params });
  return {
    machine,
    served: (delivered) => lockServed((view) => (view === 'committed' ? machine : delivered())),
    sessions() {
      const status = machine.query({ kind: 'status' });
      return status.kind === 'status' ? status.sessions : 0;
    },
  };
}

function ownHosting(machine: Hosted, context: CellContext, params: CellParams): Hosting {
  const shown = (view: StateView, delivered: () => StateMachine): Hosted => {
    const asked = view === 'committed' ? machine : delivered();
    return asked instanceof Hosted ? asked : machine;
  };
  return {
    machine,
    served: (delivered) => ({
      query: queryShape,
      answer: answerShape,
      ask: (query, view) => answerOf(shown(view, delivered), query, context, params),
      entriesOf: () => 0,
      hasSession: (client) => machine.hasSession(client),
      receiptOf: (batch) => machine.receiptOf(batch),
      unsigned: machine.unsigned,
    }),
    sessions: () => machine.sessionCount,
  };
}

/** A hosted algorithm answers what is about the cell and its sessions, and questions of its own. */
function answerOf(
  machine: Hosted,
  query: Query,
  { epoch, members }: CellContext,
  params: CellParams,
): Answer {
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
    case 'contents':
    case 'get':
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
