export { DEFAULT_QUOTAS, type Quotas } from './quotas.ts';
export { RECEIPTS_KEPT } from './receipts.ts';
export { LockService, type ServiceOptions } from './service.ts';
export { EXTRA_LINKS_PER_COMMIT, LINKS_MAX } from './sessions.ts';
