// What a process says when its disk is full.
import type { Failure } from '@fatty/interface';
import { isDiskFull, StorageError } from '@fatty/storage';

/** What an operator needs to know when the disk of a replica is full, as one sentence. */
export function fullDisk(dir: string, error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const system = message.replace(/^.*\bgot /, '');
  return (
    `the disk of ${dir} is full (${system}); this replica has stopped, nothing it promised is lost, ` +
    'the others go on while they are a quorum, and it goes on where it was, by itself, when it is ' +
    'started with some room'
  );
}

/** What an operator needs to know while the disk of a replica has too little room, as one sentence. */
export function lowDisk({ actual }: Failure, dir: string): string {
  return (
    `the disk of ${dir} has too little room (${actual}): this replica takes and signs nothing more, ` +
    'nothing it promised is lost, the others go on while they are a quorum, and it goes on by itself ' +
    'when there is room'
  );
}

/** What a process says of the error that ends it. */
export function lastWords(dir: string, error: Error): string {
  if (!isDiskFull(error)) return error.message;
  const code = error instanceof StorageError ? error.code : 'disk_full';
  return `${code}: ${fullDisk(dir, error)}`;
}
