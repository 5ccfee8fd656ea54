// Tests of the words on a full disk.
import { StorageError } from '@fatty/storage';
import { expect, it } from 'vitest';
import { lastWords } from '../src/full-disk.ts';

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

it('a full disk is named in one sentence, whoever met it, with what comes back by itself', () => {
  const log = new StorageError('log_failed', 'a durable write', full.message, full);
  const words = lastWords('/cell/replica-0', log);
  expect(words).toMatch(
    /^log_failed: the disk of \/cell\/replica-0 is full \(ENOSPC: no space left/,
  );
  expect(words).toContain('by itself');
  expect(words).not.toContain('\n');
  const index = new StorageError('kv_failed', 'a durable write', 'No space left on device');
  expect(lastWords('/d', index)).toMatch(/^kv_failed: the disk of \/d is full/);
  const quota = Object.assign(new Error('write failed'), { code: 'EDQUOT' });
  expect(lastWords('/d', quota)).toMatch(/^disk_full: the disk of \/d is full/);
  expect(lastWords('/d', new Error('oh'))).toBe('oh');
});
