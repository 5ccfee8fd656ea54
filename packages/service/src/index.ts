export { DEFAULT_QUOTAS, type Quotas } from './quotas.ts';
export { LockService, type ServiceOptions } from './service.ts';
export { LINKS_MAX, RECEIPTS_KEPT } from './sessions.ts';
