// Authenticated WebSocket links, for Node.
export * from './client.ts';
export { dial, type NodeDialOptions } from './dial.ts';
export { type Listener, type ListenOptions, listen } from './listen.ts';
export type { Refusal, WebRules } from './origin.ts';
export { refuseHost } from './origin.ts';
export { PemError, pemOf, readAuthorities, type TlsFiles } from './tls-files.ts';
