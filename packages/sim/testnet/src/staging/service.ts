// The lock service as the nets host and read it.
import { encodeAnswer } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { CellContext, StateMachine } from '@fatty/interface';
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { BASIS_COMMITS_MAX } from '../world/cell.ts';

const params = { ...DEFAULT_PARAMS, basisCommitsMax: BASIS_COMMITS_MAX };

/** The real lock service with its usual parameters, but a window that short worlds cross. */
export function lockService(cell: CellContext): LockService {
  return new LockService({ cell, params });
}

/** Every node a client could read, depth first: names, stats and contents. */
export function readService(machine: StateMachine): string {
  return machine instanceof LockService ? readNode(machine, '/').join('\n') : '';
}

function readNode(service: LockService, path: string): readonly string[] {
  const got = service.query({ kind: 'get', path });
  const own = `${path} ${toHex(encodeAnswer(got))}`;
  if (got.kind === 'value') return [own];
  const list = service.query({ kind: 'list', path, after: undefined, limit: 1024 });
  if (list.kind !== 'list') return [own];
  const below = path === '/' ? '/' : `${path}/`;
  return [own, ...list.entries.flatMap(({ name }) => readNode(service, `${below}${name}`))];
}
