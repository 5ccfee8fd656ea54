export * from './client.ts';
export { dial, type NodeDialOptions } from './dial.ts';
export { type Listener, type ListenOptions, listen } from './listen.ts';
