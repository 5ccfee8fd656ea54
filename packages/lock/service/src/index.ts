// The lock service as a replicated state machine.
export { EXTRA_LINKS_PER_COMMIT, LINKS_MAX } from '@fatty/sessions';
export { DEFAULT_QUOTAS, type Quotas } from './quotas.ts';
export { LockService, type ServiceOptions } from './service.ts';
