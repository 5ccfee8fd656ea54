// What ops, results and notices of the lock service are called in charts.
import type { OpName, Position, Vocabulary } from '@fatty/interface';
import { decodeNotice, type NoticeBody } from './notices.ts';
import { decodeOp } from './ops.ts';
import { decodeResult, type Result } from './results.ts';

/** The lock service's part of a chart. Of notices, none tells that a keep-alive has arrived. */
export const LOCK_WORDS: Vocabulary = {
  op(bytes) {
    const op = decodeOp(bytes);
    return op.ok ? nameOf(op.value) : undefined;
  },
  result(bytes) {
    const result = decodeResult(bytes);
    return result.ok ? resultWords(result.value) : undefined;
  },
  notice(body) {
    const notice = decodeNotice(body);
    if (!notice.ok || notice.value.kind === 'renewed') return undefined;
    return { ...nameOf(notice.value), words: noticeWords(notice.value) };
  },
};

function nameOf<T extends { readonly kind: string }>(said: T): OpName {
  const { kind } = said;
  return 'path' in said && typeof said.path === 'string' ? { kind, path: said.path } : { kind };
}

const positionWords = ({ commit, index }: Position): string => `${commit}.${index}`;

/** A result in a few words. */
export function resultWords(result: Result): string {
  if (result.kind === 'granted') return `granted, generation ${positionWords(result.lockGen)}`;
  if (result.kind === 'waiting') return `waits behind ${result.ahead}`;
  if (result.kind === 'error') return `refused, ${result.code}`;
  if (result.kind !== 'machineHeld') return result.kind;
  return `held at t=${result.t}, generation ${positionWords(result.lockGen)}`;
}

/** A notice in a few words. */
export function noticeWords(notice: NoticeBody): string {
  switch (notice.kind) {
    case 'granted':
      return `${notice.path} granted, generation ${positionWords(notice.lockGen)}`;
    case 'machineLost':
    case 'lost':
      return `${notice.path} lost, ${notice.reason}`;
    case 'waitEnded':
      return `${notice.path} waits no more, ${notice.code}`;
    case 'renewed':
    case 'sessionExpired':
    case 'epoch':
      return notice.kind;
  }
}
