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
import type { CellContext, Failure, Outcome, PublicKey, StateMachine } from '@fatty/interface';
import type { Cell, CellParams, StateView } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { Hosted, hosted } from '@fatty/sessions';
import { loadAlgorithm } from './algorithm.ts';
import { lockServed } from './lock-served.ts';

/** What a replica process hosts, and how it is asked. */
export interface Hosting {
  /** Without a past, for the core of a replica that begins. */
  fresh(): StateMachine;
  /** As a gateway serves it; `shown`: the machine that shows a view now, always one made here or a view of one. */
  served(shown: (view: StateView) => StateMachine): Served<Query, Answer>;
  /** Open sessions of a machine made here. */
  sessions(machine: StateMachine): number;
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
    if (cell.algorithm === undefined) return ok(lockHosting(context, params, cell.admin));
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
  const fresh = (): Hosted => hosted(make, context, { basisCommitsMax });
  return ok(ownHosting(fresh, context, params));
}

function lockHosting(cell: CellContext, params: CellParams, admin: PublicKey | undefined): Hosting {
  return {
    fresh: () => new LockService({ cell, params, ...(admin && { admin }) }),
    served: lockServed,
    sessions(machine) {
      const status = machine instanceof LockService ? machine.query({ kind: 'status' }) : undefined;
      return status?.kind === 'status' ? status.sessions : 0;
    },
  };
}

function ownHosting(fresh: () => Hosted, context: CellContext, params: CellParams): Hosting {
  return {
    fresh,
    served(shown) {
      const hosted = (view: StateView): Hosted => {
        const machine = shown(view);
        const asked = machine instanceof Hosted ? machine : shown('committed');
        if (asked instanceof Hosted) return asked;
        throw new TypeError('this gateway serves a hosted algorithm');
      };
      return {
        query: queryShape,
        answer: answerShape,
        ask: (query, view) => answerOf(hosted(view), query, context, params),
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
    case 'acl':
    case 'contents':
    case 'get':
    case 'job':
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
