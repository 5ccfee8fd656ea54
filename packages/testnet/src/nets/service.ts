import type { CellContext } from '@fatty/interface';
import { LockService } from '@fatty/service';

/** The real lock service with its usual parameters. */
export function lockService(cell: CellContext): LockService {
  return new LockService({ cell });
}
